package websub

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"crier/store"
)

const pathBytes = 16 // random bytes in a callback's address

// load returns the records of all feeds and subscriptions, by the feed's address. Subscriptions that are being
// left are not among them.
func (s *Subscriber) load() (map[string]store.Feed, map[string]store.Subscription, error) {
	all, err := s.cfg.Store.Feeds()
	if err != nil {
		return nil, nil, fmt.Errorf("read the feeds: %w", err)
	}
	feeds := make(map[string]store.Feed, len(all))
	for _, f := range all {
		feeds[f.URL] = f
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	list, err := s.cfg.Store.Subscriptions()
	if err != nil {
		return nil, nil, fmt.Errorf("read the subscriptions: %w", err)
	}
	subs := make(map[string]store.Subscription, len(list))
	for _, sub := range list {
		if s.leaving[sub.Path] == nil {
			subs[sub.Feed] = sub
		}
	}
	return feeds, subs, nil
}

// find returns the subscription whose callback has that path; false where there is none. The caller holds mu.
func (s *Subscriber) find(path string) (store.Subscription, bool, error) {
	list, err := s.cfg.Store.Subscriptions()
	if err != nil {
		return store.Subscription{}, false, fmt.Errorf("read the subscriptions: %w", err)
	}
	for _, sub := range list {
		if sub.Path == path {
			return sub, true, nil
		}
	}
	return store.Subscription{}, false, nil
}

// change reads a subscription, lets edit change it, and writes it if edit says so. It returns what the record is
// then. A subscription that is gone stays so.
func (s *Subscriber) change(path string, edit func(*store.Subscription) bool) (store.Subscription, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changeLocked(path, edit)
}

func (s *Subscriber) changeLocked(path string, edit func(*store.Subscription) bool) (store.Subscription, error) {
	sub, ok, err := s.find(path)
	if err != nil || !ok || !edit(&sub) {
		return sub, err
	}
	if err := s.cfg.Store.PutSubscription(sub); err != nil {
		return sub, fmt.Errorf("write the subscription of %s: %w", sub.Feed, err)
	}
	return sub, nil
}

// note adds a line to the activity log. The line is only told, so that a failure is no reason to stop.
func (s *Subscriber) note(feed, kind, text string) {
	err := s.cfg.Store.AppendLog(store.LogEntry{
		Time: time.Now().UTC(), Direction: "feed", Type: kind, Object: feed, From: feed, Result: text,
	})
	if err != nil {
		s.cfg.Log.Warn("cannot write to the activity log", "feed", feed, "err", err)
	}
}

// fresh returns a new subscription that is still to be asked for. Its callback is its own (§5.1.1). A secret is
// for https alone: over plain http it would be none.
func (s *Subscriber) fresh(feed, hub, topic string) store.Subscription {
	sub := store.Subscription{
		Feed: feed, Hub: hub, Topic: topic, Base: s.cfg.BaseURL, Path: token(pathBytes), State: store.SubscriptionPending,
	}
	if strings.HasPrefix(hub, "https://") {
		sub.Secret = token(32) // 64 bytes; less than 200 are allowed (§5.1)
	}
	return sub
}

// token returns n random bytes in hexadecimal.
func token(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// isPath tells whether s looks like the last segment of a callback.
func isPath(s string) bool {
	if len(s) != 2*pathBytes {
		return false
	}
	return strings.Trim(s, "0123456789abcdef") == ""
}

// oneLine makes a stranger's text fit for a record and a log: printable, on one line, of at most limit bytes.
func oneLine(text string, limit int) string {
	text = strings.Join(strings.Fields(strings.Map(printable, strings.ToValidUTF8(text, "�"))), " ")
	if len(text) > limit {
		text = strings.ToValidUTF8(text[:limit], "") + "…"
	}
	return text
}
