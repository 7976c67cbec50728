package federation

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"

	"crier/store"
)

const (
	headerSync = "Collection-Synchronization"

	// syncMost is how many followers of one host are listed there. An address has some fifty bytes, and Mastodon (to
	// 4.7) reads no document above 1 MB; a host with more of them is not told what to compare with.
	syncMost = 15_000
)

// syncHeader is what an activity tells the host of an inbox about the followers there, so that it notices when its
// own list and ours differ (FEP-8fcf); empty where nothing is to be told. Only what goes to the followers alone is
// worth it: elsewhere a wrong list lets nobody read what is not meant for them. And only while our list is known to
// be whole, since that host then has everybody unfollow who is not in it.
func (s *Server) syncHeader(inbox string, body []byte) string {
	if !s.isForFollowers(body) {
		return ""
	}
	h, whole, err := s.db.HostFollowers(hostOf(inbox))
	if err != nil {
		s.log.Warn("cannot read the followers of a host", "inbox", inbox, "err", err)
		return ""
	}
	if !whole || h.Count == 0 || h.Count > syncMost {
		return ""
	}
	return fmt.Sprintf(`collectionId="%s", url="%s", digest="%s"`,
		s.ids.Followers(), s.ids.FollowersSync(), hex.EncodeToString(h.Digest[:]))
}

// isForFollowers reports whether an activity of ours is for the followers, and who is mentioned, alone.
func (s *Server) isForFollowers(body []byte) bool {
	if bytes.Contains(body, []byte(Public)) { // hardly any other is, and reading all of a long text costs time
		return false
	}
	var v struct{ To refs }
	return json.Unmarshal(body, &v) == nil && v.To.Has(s.ids.Followers())
}

// serveFollowersSync answers an actor of a host with the followers there, all on one page as Mastodon reads them
// (synchronize_followers_service.rb, to 4.7). A list that does not fit what syncHeader told is not shown, as it would
// do harm.
func (s *Server) serveFollowersSync(w http.ResponseWriter, r *http.Request) {
	varySignature(w)
	by, err := s.asker(r)
	if err != nil {
		s.refuseAsker(w, r, err)
		return
	}
	host := hostOf(by.ID)
	told, whole, err := s.db.HostFollowers(host)
	if err != nil {
		s.fault(w, r, fmt.Errorf("read the followers of a host: %w", err))
		return
	}
	ids, err := s.db.FollowersOnHost(host, syncMost)
	if err != nil {
		s.fault(w, r, fmt.Errorf("list the followers of a host: %w", err))
		return
	}
	if !whole || digestOfIDs(ids) != told {
		s.fail(w, r, http.StatusNotFound, "the list of followers may have gaps, so it is not to be compared with")
		return
	}
	c := collection{
		Context: nsActivityStreams, ID: s.ids.FollowersSync(), Type: "OrderedCollection", TotalItems: len(ids),
		OrderedItems: []json.RawMessage{},
	}
	for _, id := range ids {
		c.OrderedItems = append(c.OrderedItems, mustEncode(id))
	}
	newDocument(mustEncode(c), 0).serve(w, r)
}

// digestOfIDs is what the store keeps of these followers.
func digestOfIDs(ids []string) (h store.HostFollowers) {
	h.Count = len(ids)
	for _, id := range ids {
		for i, c := range sha256.Sum256([]byte(id)) {
			h.Digest[i] ^= c
		}
	}
	return h
}
