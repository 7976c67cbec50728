package admin

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"crier/store"
)

// peopled is filled with a block, and with functions that say what they were asked.
func peopled(t *testing.T) *Ops {
	o := filled(t)
	since := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for i, b := range []store.Block{
		{What: "bad.example", Kind: store.BlockDomain, Note: "spam"},
		{What: "https://a.example/users/x", Kind: store.BlockActor, Handle: "x@a.example"},
	} {
		b.Since = since.AddDate(0, 0, i)
		if _, err := o.Store.AddBlock(since, store.Blocking{Block: b}); err != nil {
			t.Fatal(err)
		}
	}
	o.Decide = func(_ context.Context, r FollowerRequest) ([]FollowerChange, error) {
		if r.Verdict == Remove {
			return nil, errors.New("nobody by that name follows")
		}
		var all []FollowerChange
		for _, who := range r.Who {
			all = append(all, FollowerChange{Actor: who, Handle: string(r.Verdict), Changed: true})
		}
		return all, nil
	}
	o.Block = func(_ context.Context, r BlockRequest) (BlockChange, error) {
		if r.What == "com" {
			return BlockChange{}, errors.New("no one server's domain")
		}
		return BlockChange{Block: Block{What: r.What, Note: r.Note, Since: since}, Known: true, Followers: 2, Deliveries: 3, Doubt: "d"}, nil
	}
	o.Unblock = func(_ context.Context, what string) (Block, error) {
		if what == "good.example" {
			return Block{}, errors.New("not blocked")
		}
		return Block{What: what, Since: since}, nil
	}
	return o
}

// TestSameAnswersOfPeople is TestSameAnswers for followers and blocks.
func TestSameAnswersOfPeople(t *testing.T) {
	o := peopled(t)
	c, _ := dialled(t, o)
	ctx := t.Context()
	for _, r := range []FollowerRequest{
		{Verdict: Approve, Who: []string{"a", "b"}}, {Verdict: Approve, All: true}, {Verdict: Reject, Who: []string{"a"}},
		{Verdict: Remove, Who: []string{"a"}}, {}, {Verdict: "praise", Who: []string{"a"}}, {Verdict: Approve},
		{Verdict: Approve, All: true, Who: []string{"a"}}, {Verdict: Reject, All: true},
		{Verdict: Approve, Who: strings.Fields(strings.Repeat("https://a.example/users/somebody ", 5000))},
	} {
		same(t, "decide", with(o.DecideFollowers, r), with(c.DecideFollowers, r), ctx)
	}
	same(t, "blocks", o.Blocks, c.Blocks, ctx)
	for _, what := range []string{"bad.example", "com", "good.example"} {
		r := BlockRequest{What: what, Note: "n"}
		same(t, "block", with(o.AddBlock, r), with(c.AddBlock, r), ctx)
		same(t, "unblock", with(o.RemoveBlock, r), with(c.RemoveBlock, r), ctx)
	}
}

// TestImpossibleDecisions: what makes no sense reaches nobody.
func TestImpossibleDecisions(t *testing.T) {
	o := peopled(t)
	o.Decide = func(context.Context, FollowerRequest) ([]FollowerChange, error) {
		t.Error("it was asked for")
		return nil, nil
	}
	for _, r := range []FollowerRequest{
		{}, {Verdict: "praise", Who: []string{"a"}}, {Verdict: Approve}, {Verdict: Approve, All: true, Who: []string{"a"}},
		{Verdict: Reject, All: true}, {Verdict: Remove, All: true}, {Verdict: Remove},
	} {
		if _, err := o.DecideFollowers(t.Context(), r); err == nil {
			t.Errorf("%+v is taken", r)
		}
	}
}

// TestBlockNames pins the JSON names of the listing.
func TestBlockNames(t *testing.T) {
	list, err := peopled(t).Blocks(t.Context())
	must(t, err)
	if len(list) != 2 || list[0].What != "https://a.example/users/x" {
		t.Fatalf("not newest first: %+v", list)
	}
	b, err := json.Marshal(list[0])
	must(t, err)
	if got := string(b); got != `{"what":"https://a.example/users/x","kind":"actor","handle":"x@a.example","since":"2026-03-02T12:00:00Z","note":""}` {
		t.Error(got)
	}
	status, err := peopled(t).Status(t.Context())
	must(t, err)
	if b, _ := json.Marshal(status); !strings.Contains(string(b), `"pending_followers":0`) {
		t.Errorf("%s", b)
	}
}
