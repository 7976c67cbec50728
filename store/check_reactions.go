package store

import bolt "go.etcd.io/bbolt"

// reactions recomputes the indexes and counts of reactions.
func (c *checker) reactions(tx *bolt.Tx) error {
	for _, bucket := range [][]byte{bucketReactionsByPost, bucketReactionsByActor, bucketReactionHosts, bucketReactors} {
		c.expect(bucket, nil, nil)
	}
	posts, hosts, all := map[string]reactionRow{}, map[string]int{}, 0
	err := each(tx, bucketReactions, func(k []byte, r Reaction) {
		row := posts[r.Post]
		row.Bytes += r.size()
		if r.seen() {
			*row.of(r.Kind)++
			c.expect(bucketReactionsByPost, reactionPostKey(r), nil)
		}
		posts[r.Post] = row
		hosts[reactionHost(r)] += r.size()
		all += r.size()
		c.expect(bucketReactionsByActor, reactionActorKey(r), nil)
		if r.Inbox != "" {
			c.expect(bucketReactors, reactorKey(r), []byte(r.Inbox))
		}
		if r.ID != string(k) {
			c.say("reaction %q stands at key %q", r.ID, k)
		}
	})
	if err != nil {
		return err
	}
	for host, n := range hosts {
		c.expect(bucketReactionHosts, []byte(host), numberKey(uint64(n)))
	}
	if n := int(parseNumber(tx.Bucket(bucketMeta).Get(keyReactions))); n != all {
		c.say("reactions take %d bytes, %d counted", all, n)
	}
	err = each(tx, bucketReactionCounts, func(k []byte, row reactionRow) {
		if row != posts[string(k)] {
			c.say("reactions of post %s are %+v, %+v counted", k, posts[string(k)], row)
		}
		delete(posts, string(k))
	})
	for post := range posts {
		c.say("the count of reactions of post %s is missing", post)
	}
	return err
}
