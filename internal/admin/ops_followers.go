package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
)

const pathDecide = "/followers/decide"

// Verdict is what the owner says to a follower.
type Verdict string

const (
	Approve Verdict = "approve" // who is pending
	Reject  Verdict = "reject"  // who is pending
	Remove  Verdict = "remove"  // who is accepted
)

// FollowerRequest says which followers the owner decides on, and how.
type FollowerRequest struct {
	Verdict Verdict  `json:"verdict"`
	Who     []string `json:"who,omitempty"` // handles, or addresses of actors
	All     bool     `json:"all,omitempty"` // instead: everybody who is pending; only with Approve
}

// FollowerChange is a follower that was decided on.
type FollowerChange struct {
	Actor   string `json:"actor"`
	Handle  string `json:"handle,omitempty"`
	Changed bool   `json:"changed"` // false: it was so before
}

// DecideFollowers approves, rejects or removes followers: all that are named, or none. It returns when that is
// stored; the answers to their servers then go out with the queue.
func (o *Ops) DecideFollowers(ctx context.Context, r FollowerRequest) ([]FollowerChange, error) {
	switch r.Verdict {
	case Approve, Reject, Remove:
	default:
		return nil, fmt.Errorf("nothing is known of the verdict %q", r.Verdict)
	}
	if r.All == (len(r.Who) > 0) {
		return nil, errors.New("either followers are named or all are meant")
	}
	if r.All && r.Verdict != Approve {
		return nil, errors.New("all followers at once can only be approved")
	}
	changes, err := o.Decide(ctx, r)
	if err == nil && changes == nil {
		changes = []FollowerChange{}
	}
	return changes, err
}

// DecideFollowers approves, rejects or removes followers.
func (c *Client) DecideFollowers(ctx context.Context, r FollowerRequest) ([]FollowerChange, error) {
	return sendTo[[]FollowerChange](ctx, c, pathDecide, r)
}

func (o *Ops) followerRoutes(m *http.ServeMux) {
	m.HandleFunc("POST "+pathDecide, answer(func(r *http.Request) (any, error) {
		req, err := requestOf[FollowerRequest](r)
		if err != nil {
			return nil, err
		}
		return o.DecideFollowers(r.Context(), req)
	}))
}

// maxNames bounds a request that names many followers.
const maxNames = 4 << 20

func requestOf[T any](r *http.Request) (T, error) {
	var req T
	if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxNames)).Decode(&req); err != nil {
		return req, fmt.Errorf("read the request: %w", err)
	}
	return req, nil
}

func sendTo[T any](ctx context.Context, c *Client, path string, request any) (T, error) {
	b, err := json.Marshal(request)
	if err != nil {
		var none T
		return none, fmt.Errorf("encode the request: %w", err)
	}
	return call[T](ctx, c, http.MethodPost, path, bytes.NewReader(b))
}
