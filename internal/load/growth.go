package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"crier/internal/admin"
	"crier/store"
)

// measureGrowth compares a daemon whose store is that of a blog of decades with one whose store is new: 20,000 posts,
// 200,000 reactions and a full activity log.
func measureGrowth(ctx context.Context, b *bench) (string, error) {
	small, err := b.newDaemon(nil)
	if err != nil {
		return "", err
	}
	large, err := b.newDaemon(nil)
	if err != nil {
		return "", err
	}
	if err := large.withStore(func(db *store.DB) error {
		return errors.Join(fillPosts(db, filepath.Join(large.dir, "feed.xml")), fillReactions(db), fillLog(db))
	}); err != nil {
		return "", err
	}
	before, err := small.costs(ctx)
	if err != nil {
		return "", err
	}
	after, err := large.costs(ctx)
	return fmt.Sprintf("%.1f ms, a new store's %.1f; %.1f MiB, %.1f; %.1f ms, %.1f", ms(after.start), ms(before.start),
		after.memory, before.memory, ms(after.status), ms(before.status)), err
}

// costs are what a daemon at rest takes.
type costs struct {
	start  time.Duration // to the first answer, the best of three
	memory float64       // RssAnon in MiB
	status time.Duration // the best of five
}

func (d *daemon) costs(ctx context.Context) (c costs, err error) {
	c.start, c.status = time.Hour, time.Hour
	for range 3 {
		if err := d.start(ctx); err != nil {
			return c, err
		}
		c.start = min(c.start, d.started)
		d.stop()
	}
	if err := d.start(ctx); err != nil {
		return c, err
	}
	defer d.stop()
	if _, err := d.during(ctx, 10*time.Second); err != nil {
		return c, err
	}
	for range 5 {
		client, err := admin.Dial(filepath.Join(d.dir, "data"))
		if err != nil {
			return c, err
		}
		began := time.Now()
		if _, err := client.Status(ctx); err != nil {
			return c, err
		}
		c.status = min(c.status, time.Since(began))
	}
	if _, err := d.during(ctx, 10*time.Second); err != nil {
		return c, err
	}
	c.memory, err = memory(d.cmd.Process.Pid, "RssAnon")
	return c, err
}

const (
	grownPosts     = 20_000
	grownReactions = 200_000
)

func fillPosts(db *store.DB, feed string) error {
	const at = 500
	now := time.Now().UTC()
	for from := 0; from < grownPosts; from += at {
		var all []store.Publication
		var entries []store.EntryPut
		for i := from; i < from+at; i++ {
			date := now.Add(time.Duration(i-grownPosts) * time.Hour)
			key := fmt.Sprintf("blog.example/old/%d/", i)
			id := baseURL + "/posts/" + key
			e := store.Entry{Key: key, Feed: feed, GUID: "https://" + key, Link: "https://" + key, URL: "https://" + key, HasPage: true,
				Title: fmt.Sprintf("Old entry %d", i), Date: date, Dated: true, Seen: date, State: store.EntryNew, Generation: 1}
			entries = append(entries, store.EntryPut{Entry: e, Fields: []byte(`{}`)})
			e.State, e.Version = store.EntryLive, 1
			note, _ := json.Marshal(map[string]string{"id": id, "type": "Note", "content": "<p>Some words that a post has, and a link.</p>"})
			all = append(all, store.Publication{Entry: e, Fields: []byte(`{}`),
				Post: store.Post{Path: key, ID: id, URL: e.URL, Entry: key, State: store.PostLive, Published: date, Listed: true,
					Create: id + "#c", Object: note},
				Activity: store.Activity{ID: id + "#c", Type: "Create", Object: id, Body: note}})
		}
		rec := store.Feed{URL: feed, FirstRead: now, Newest: now, LastPoll: now, NextPoll: now.Add(20 * time.Hour)}
		if err := db.RecordPoll(store.Poll{Feed: rec, Put: entries}); err != nil {
			return err
		}
		if _, err := db.Publish(now, all...); err != nil {
			return err
		}
	}
	return nil
}

func fillReactions(db *store.DB) error {
	now := time.Now().UTC()
	for i := range grownReactions {
		actor := fmt.Sprintf("https://h%d.example/users/%d", i%5000, i)
		_, err := db.PutReaction(now, store.Reaction{ID: actor + "/like", Kind: store.ReactionLike, Actor: actor,
			Post: fmt.Sprintf("blog.example/old/%d/", i%grownPosts), Received: now, Published: now, Public: true}, "")
		if err != nil {
			return err
		}
	}
	return nil
}

// fillLog writes more than the log keeps.
func fillLog(db *store.DB) error {
	lines := make([]store.LogEntry, 12_000)
	for i := range lines {
		lines[i] = store.LogEntry{Time: time.Now().UTC(), Direction: "in", Type: "Follow", Object: "Follow(somebody → us)", From: "https://h.example/users/x", Result: "follower added"}
	}
	return db.AppendLog(lines...)
}
