package store

import (
	"crypto/sha256"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// HostFollowers is what is kept of the accepted followers on one host, so that it need not be counted anew for
// every delivery there.
type HostFollowers struct {
	Count  int
	Digest [sha256.Size]byte // of all their ids, each hashed by SHA-256 and joined by exclusive or (FEP-8fcf)
}

// HostFollowers returns what is kept of the accepted followers whose id is on a host (with its port where that is
// not the default one); zero if there are none. whole tells whether the list of followers is known to be whole.
func (db *DB) HostFollowers(host string) (h HostFollowers, whole bool, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		h = parseHostFollowers(tx.Bucket(bucketFollowerHosts).Get([]byte(host)))
		whole = tx.Bucket(bucketMeta).Get(keyWhole) != nil
		return nil
	})
	return h, whole, err
}

// FollowersOnHost returns the ids of the accepted followers on a host, in order, limit at most.
func (db *DB) FollowersOnHost(host string, limit int) (ids []string, err error) {
	err = db.b.View(func(tx *bolt.Tx) error {
		for _, origin := range []string{"https://" + host, "https://" + host + ":443", "http://" + host, "http://" + host + ":80"} {
			err := scan(tx, bucketFollowers, []byte(origin+"/"), func(k, v []byte) (bool, error) {
				var f Follower
				if err := decode(bucketFollowers, k, v, &f); err != nil {
					return false, err
				}
				if f.State == FollowerAccepted {
					ids = append(ids, f.Actor)
				}
				return len(ids) < limit, nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	return ids, err
}

// ForgetWhole notes that the list of followers may have gaps, as after a restore: who followed since then is
// missing, and must not be told so (FEP-8fcf would have their servers unfollow). It cannot be taken back.
func (db *DB) ForgetWhole() error {
	return db.b.Update(func(tx *bolt.Tx) error { return tx.Bucket(bucketMeta).Delete(keyWhole) })
}

// countFollowerHost adds a follower to what is kept of its host, or takes it away: both are the same for the
// digest.
func countFollowerHost(tx *bolt.Tx, actor string, delta int) error {
	b, host := tx.Bucket(bucketFollowerHosts), []byte(hostOf(actor))
	if len(host) == 0 {
		return nil
	}
	h := parseHostFollowers(b.Get(host))
	h.add(actor, delta)
	if h.Count <= 0 {
		return b.Delete(host)
	}
	return b.Put(host, h.bytes())
}

func (h *HostFollowers) add(actor string, delta int) {
	h.Count += delta
	for i, c := range sha256.Sum256([]byte(actor)) {
		h.Digest[i] ^= c
	}
}

func (h HostFollowers) bytes() []byte { return join(numberKey(uint64(h.Count)), h.Digest[:]) }

func parseHostFollowers(b []byte) (h HostFollowers) {
	h.Count = int(parseNumber(b))
	if len(b) == 8+len(h.Digest) {
		copy(h.Digest[:], b[8:])
	}
	return h
}

// fillFollowerHosts makes the rows of all followers anew, for a store from before there were any.
func fillFollowerHosts(tx *bolt.Tx) error {
	hosts := map[string]*HostFollowers{}
	err := each(tx, bucketFollowers, func(_ []byte, f Follower) {
		collectHost(hosts, f)
	})
	if err != nil {
		return fmt.Errorf("count the followers of each host: %w", err)
	}
	for host, h := range hosts {
		if err := tx.Bucket(bucketFollowerHosts).Put([]byte(host), h.bytes()); err != nil {
			return err
		}
	}
	return nil
}

// collectHost counts one follower, if it is to be counted, in a map by host.
func collectHost(hosts map[string]*HostFollowers, f Follower) {
	host := hostOf(f.Actor)
	if f.State != FollowerAccepted || host == "" {
		return
	}
	if hosts[host] == nil {
		hosts[host] = &HostFollowers{}
	}
	hosts[host].add(f.Actor, +1)
}
