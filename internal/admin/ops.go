package admin

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"crier/store"
)

// deadDays is on how many different days a host must have failed to count as dead.
const deadDays = 7

// followPause is how long FollowLog waits between two looks at the log. A look that finds nothing is one
// seek in the store.
const followPause = 250 * time.Millisecond

// Ops answers the owner's questions from the store, and does what the owner asks through the functions
// given. All methods are safe for concurrent use.
type Ops struct {
	Store     *store.DB
	StorePath string
	Actor     string   // id
	Feeds     []string // addresses of the configured feeds, in their order
	Version   string
	Running   bool // this is a daemon

	Poll   func(ctx context.Context, dryRun bool) ([]PolledFeed, error)
	Settle func(ctx context.Context, release bool) (int, error)
	Find   func(ctx context.Context, what string) (json.RawMessage, string, error)

	WakeDeliverer func() // nil: nobody delivers

	Decide  func(context.Context, FollowerRequest) ([]FollowerChange, error)
	Block   func(context.Context, BlockRequest) (BlockChange, error)
	Unblock func(ctx context.Context, what string) (Block, error)
	Handle  func(ctx context.Context, actor json.RawMessage) (string, error) // nil: handles are not asked for
	Former  func() (FormerAccount, error)                                    // nil: there is none, or it is not served
	Handles func(own map[string]string) (map[string]string, error)           // how to call actors, by id; nil: as they call themselves
	Hand    Hand
	Moving  Moving
}

// Status returns the whole state at a glance.
func (o *Ops) Status(context.Context) (Status, error) {
	s := Status{Version: o.Version, Running: o.Running}
	var err error
	if s.Account, err = o.account(); err != nil {
		return Status{}, err
	}
	if s.Followers, err = o.Store.CountFollowers(); err != nil {
		return Status{}, fmt.Errorf("count followers: %w", err)
	}
	if s.Pending, err = o.Store.CountPending(); err != nil {
		return Status{}, fmt.Errorf("count who awaits approval: %w", err)
	}
	if s.Feeds, err = o.feeds(time.Now()); err != nil {
		return Status{}, err
	}
	if s.Queue, s.Dead, err = o.Store.QueueStats(deadDays); err != nil {
		return Status{}, fmt.Errorf("count the queue: %w", err)
	}
	reports, err := o.Store.Reports(time.Now())
	if err != nil {
		return Status{}, fmt.Errorf("read the reports: %w", err)
	}
	s.Reports = len(reports)
	if err := o.former(&s); err != nil {
		return Status{}, err
	}
	if s.Dead == nil {
		s.Dead = []string{}
	}
	if s.DeadHosts, err = o.deadHosts(); err != nil {
		return Status{}, err
	}
	if s.Store, err = o.Store.FileSize(); err != nil {
		return Status{}, err
	}
	s.StoreBytes = s.Store.Size
	return s, nil
}

func (o *Ops) account() (Account, error) {
	acc, err := o.Store.Account()
	if err != nil {
		return Account{}, fmt.Errorf("read the account: %w", err)
	}
	a := Account{Handle: acc.Handle, Actor: o.Actor, BaseURL: acc.BaseURL, Since: acc.Created}
	if a.Posts, err = o.Store.CountPosts(); err != nil {
		return Account{}, fmt.Errorf("count posts: %w", err)
	}
	presence, err := o.Store.Presence()
	if err != nil {
		return Account{}, fmt.Errorf("read the account's presence: %w", err)
	}
	if m := presence.Move; m != nil {
		a.MovedTo = cmp.Or(m.Handle, m.Target)
	}
	if a.Listed, err = o.Store.CountListed(); err != nil {
		return Account{}, fmt.Errorf("count the outbox: %w", err)
	}
	return a, nil
}

func (o *Ops) feeds(now time.Time) ([]Feed, error) {
	out := make([]Feed, 0, len(o.Feeds))
	for _, url := range o.Feeds {
		f, err := o.feed(url, now)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

func (o *Ops) feed(url string, now time.Time) (Feed, error) {
	rec, err := o.Store.Feed(url)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return Feed{}, fmt.Errorf("read feed %s: %w", url, err)
	}
	entries, err := o.Store.FeedEntries(url)
	if err != nil {
		return Feed{}, fmt.Errorf("count entries of %s: %w", url, err)
	}
	f := Feed{
		URL: url, Title: rec.Title, LastPoll: Time{rec.LastPoll}, NextPoll: Time{rec.NextPoll}, LastError: rec.LastError,
		Missing: rec.Missing, Read: !rec.FirstRead.IsZero(), Entries: entries.All, Skipped: entries.Skipped, Held: len(entries.Held), Waiting: []Waiting{}, Holding: []Waiting{},
		Hub: rec.Hub, Advice: append([]string{}, rec.Advice...),
	}
	for _, e := range entries.Held {
		f.Holding = append(f.Holding, Waiting{Title: e.Title, URL: e.URL, Due: e.Date})
	}
	for _, e := range entries.New {
		if e.Todo == store.TodoCreate && e.Due.After(now) {
			f.Waiting = append(f.Waiting, Waiting{Title: e.Title, URL: e.URL, Due: e.Due})
		}
	}
	return f, o.push(&f)
}

// push fills in how the subscription at the feed's hub stands.
func (o *Ops) push(f *Feed) error {
	subs, err := o.Store.Subscriptions()
	if err != nil {
		return fmt.Errorf("list subscriptions: %w", err)
	}
	for _, s := range subs {
		if s.Feed == f.URL {
			f.Push, f.PushError = string(s.State), s.LastError
		}
	}
	return nil
}

// Followers lists the followers, newest first.
func (o *Ops) Followers(context.Context) ([]Follower, error) {
	list, err := o.Store.Followers(0, 0)
	if err != nil {
		return nil, fmt.Errorf("list followers: %w", err)
	}
	own := make(map[string]string, len(list))
	for _, f := range list {
		own[f.Actor] = f.Handle
	}
	names, err := o.handles(own)
	if err != nil {
		return nil, fmt.Errorf("list followers: %w", err)
	}
	out := make([]Follower, len(list))
	for i, f := range list {
		out[i] = Follower{
			Actor: f.Actor, Handle: names[f.Actor], Name: f.Name, Inbox: f.Inbox, SharedInbox: f.SharedInbox,
			Since: f.Since, State: string(f.State),
		}
	}
	return out, nil
}

func (o *Ops) handles(own map[string]string) (map[string]string, error) {
	if o.Handles == nil {
		return own, nil
	}
	return o.Handles(own)
}

// Log returns lines of the activity log, oldest first.
func (o *Ops) Log(_ context.Context, q LogQuery) ([]LogLine, error) {
	lines, err := o.lines(q)
	if err != nil {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	if lines == nil {
		lines = []LogLine{}
	}
	return lines, nil
}

func (o *Ops) lines(q LogQuery) ([]LogLine, error) {
	switch {
	case q.After > 0:
		return o.Store.Log(q.After, 0, q.Source)
	case q.Last < 0:
		return o.Store.Log(0, 0, q.Source)
	case q.Last == 0:
		return nil, nil
	default:
		return o.Store.LastLog(q.Last, q.Source)
	}
}

// FollowLog calls emit for the lines that q asks for and then for each new line, until ctx is done (nil)
// or emit fails (its error).
func (o *Ops) FollowLog(ctx context.Context, q LogQuery, emit func(LogLine) error) error {
	newest, err := o.Store.LastLog(1, false)
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	after := uint64(0)
	if len(newest) > 0 {
		after = newest[0].Seq
	}
	lines, err := o.lines(q)
	tick := time.NewTicker(followPause)
	defer tick.Stop()
	for {
		if err != nil {
			return fmt.Errorf("read the log: %w", err)
		}
		for _, l := range lines {
			if err := emit(l); err != nil {
				return err
			}
			after = max(after, l.Seq)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			lines, err = o.Store.Log(after, 0, q.Source)
		}
	}
}

// PollNow polls the feeds, or settles held entries. It fails only where nothing could be done at all; what
// became of each feed is in the result.
func (o *Ops) PollNow(ctx context.Context, r PollRequest) (PollResult, error) {
	if r.Release && r.Discard {
		return PollResult{}, errors.New("held entries can be released or discarded, not both")
	}
	if !r.Release && !r.Discard {
		feeds, err := o.Poll(ctx, r.DryRun)
		if err != nil {
			return PollResult{}, fmt.Errorf("poll: %w", err)
		}
		if feeds == nil {
			feeds = []PolledFeed{}
		}
		return PollResult{Feeds: feeds}, nil
	}
	if r.DryRun {
		return PollResult{}, errors.New("a dry run settles no held entries")
	}
	n, err := o.Settle(ctx, r.Release)
	if err != nil {
		return PollResult{}, fmt.Errorf("settle held entries: %w", err)
	}
	return PollResult{Feeds: []PolledFeed{}, Settled: n}, nil
}

// Lookup resolves a handle, an actor or an object as the daemon would.
func (o *Ops) Lookup(ctx context.Context, what string) (Found, error) {
	doc, url, err := o.Find(ctx, what)
	if err != nil {
		return Found{}, fmt.Errorf("look up %s: %w", what, err)
	}
	f := Found{URL: url, Document: doc}
	if o.Handle != nil && isActor(doc) {
		f.Handle, _ = o.Handle(ctx, doc) // one whose handle leads elsewhere is an actor all the same
	}
	return f, nil
}

// isActor reports whether a document has what only an actor has.
func isActor(document json.RawMessage) bool {
	var v struct {
		Inbox string `json:"inbox"`
	}
	return json.Unmarshal(document, &v) == nil && v.Inbox != ""
}
