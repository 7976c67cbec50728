package federation

import (
	"crypto/sha256"
	"encoding/base32"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// IDs makes every public address of one account. They are remembered by other servers for ever, so a
// change here is a change of identity.
type IDs struct {
	base string // scheme and host, no slash at the end
	user string
}

// NewIDs returns the addresses of the user with that name at base ("https://fedi.example.com").
func NewIDs(base, user string) IDs {
	return IDs{base: strings.TrimRight(base, "/"), user: user}
}

// Base is scheme and host of all addresses, with no slash at the end.
func (i IDs) Base() string { return i.base }

// Host is the host of all addresses, with its port where it is not the default one.
func (i IDs) Host() string {
	_, host, _ := strings.Cut(i.base, "://")
	return host
}

// Actor is the id of the account's actor.
func (i IDs) Actor() string { return i.base + "/users/" + i.user }

// Key is the id of the actor's RSA key. Other servers strip the fragment to find the actor.
func (i IDs) Key() string { return i.Actor() + "#main-key" }

// Ed25519Key is the id of the actor's Ed25519 key (FEP-521a).
func (i IDs) Ed25519Key() string { return i.Actor() + "#ed25519-key" }

// Inbox is the actor's own inbox.
func (i IDs) Inbox() string { return i.Actor() + "/inbox" }

// SharedInbox is the inbox for everything on this host.
func (i IDs) SharedInbox() string { return i.base + "/inbox" }

// Outbox is the collection of the account's Create activities.
func (i IDs) Outbox() string { return i.Actor() + "/outbox" }

// Followers is the followers collection, also used to address posts.
func (i IDs) Followers() string { return i.Actor() + "/followers" }

// FollowersSync is the part of the followers collection that is shown to the host which asks (FEP-8fcf).
func (i IDs) FollowersSync() string { return i.Actor() + "/followers_synchronization" }

// Following is the collection of actors that the account follows.
func (i IDs) Following() string { return i.Actor() + "/following" }

// Featured is the collection of pinned posts.
func (i IDs) Featured() string { return i.Actor() + "/collections/featured" }

// Post is the id of the post at a path below /posts/, as kept in store.Post.
func (i IDs) Post(path string) string { return i.base + "/posts/" + path }

// Replies, Likes and Shares are the collections of the post at that path.
func (i IDs) Replies(path string) string { return i.base + "/replies/" + path }
func (i IDs) Likes(path string) string   { return i.base + "/likes/" + path }
func (i IDs) Shares(path string) string  { return i.base + "/shares/" + path }

// TagBase is the address of a hashtag's page, less the hashtag.
func (i IDs) TagBase() string { return i.base + "/tags/" }

// Activity is the id of an activity: it follows from type, object and version alone, so that doing the
// same work twice gives the same id, and has no fragment (Misskey cannot resolve one).
func (i IDs) Activity(typ, object, version string) string {
	sum := sha256.Sum256([]byte(typ + "\x00" + object + "\x00" + version))
	name := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:])[:26]
	return i.base + "/activities/" + strings.ToLower(name)
}

// Quote is the id of the authorization of one quote. Like an activity's it follows from what it is about.
func (i IDs) Quote(quoting, quoted string) string {
	return strings.Replace(i.Activity("QuoteAuthorization", quoted, quoting), "/activities/", "/quotes/", 1)
}

// PostPath returns the path below /posts/ of a post id of ours, as it was sent, and whether it is one.
func (i IDs) PostPath(id string) (string, bool) {
	path, ok := strings.CutPrefix(id, i.base+"/posts/")
	return path, ok && path != ""
}

// handPath is the path of a post written by hand: 26 characters that follow from its first text, the moment and a
// salt. There is nothing else that it could follow from; it is made once and stored. No entry can have it, since
// an entry's path is HOST/PATH and has a slash in it.
func handPath(markdown string, now time.Time, salt []byte) string {
	sum := sha256.Sum256([]byte(now.UTC().Format(time.RFC3339Nano) + "\x00" + string(salt) + "\x00" + markdown))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:])[:26])
}

// Ours reports whether an address is on this account's host.
func (i IDs) Ours(address string) bool {
	u, err := url.Parse(address)
	return err == nil && strings.EqualFold(u.Host, i.Host())
}

// postPath is the path of an entry's post in its generation (contract: "…~2" after a deletion).
func postPath(key string, generation int) string {
	if generation <= 1 {
		return key
	}
	return key + "~" + strconv.Itoa(generation)
}
