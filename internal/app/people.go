package app

import (
	"context"

	"crier/federation"
	"crier/internal/admin"
)

// people gives the owner's commands what decides on followers and blocks.
func (c *core) people(o *admin.Ops) {
	o.Decide = func(ctx context.Context, r admin.FollowerRequest) ([]admin.FollowerChange, error) {
		changes, err := decideFollowers(ctx, c.server, r)
		if err != nil {
			return nil, err
		}
		own := make(map[string]string, len(changes))
		for _, f := range changes {
			own[f.Follower.Actor] = f.Follower.Handle
		}
		names, err := c.server.Handles(own)
		if err != nil {
			return nil, err
		}
		out := make([]admin.FollowerChange, len(changes))
		for i, f := range changes {
			out[i] = admin.FollowerChange{Actor: f.Follower.Actor, Handle: names[f.Follower.Actor], Changed: f.Changed}
		}
		return out, nil
	}
	o.Block = func(ctx context.Context, r admin.BlockRequest) (admin.BlockChange, error) {
		b, err := c.server.AddBlock(ctx, r.What, r.Note)
		if err != nil {
			return admin.BlockChange{}, err
		}
		change := admin.BlockChange{
			Block: admin.BlockOf(b.Block), Known: b.Known, Followers: b.Followers, Deliveries: b.Deliveries,
		}
		if b.Doubt != nil {
			change.Doubt = b.Doubt.Error()
		}
		return change, nil
	}
	o.Unblock = func(ctx context.Context, what string) (admin.Block, error) {
		b, err := c.server.RemoveBlock(ctx, what)
		return admin.BlockOf(b), err
	}
}

func decideFollowers(ctx context.Context, s *federation.Server, r admin.FollowerRequest) ([]federation.FollowerChange, error) {
	switch {
	case r.All:
		return s.ApproveAll(ctx)
	case r.Verdict == admin.Approve:
		return s.ApproveFollowers(ctx, r.Who)
	case r.Verdict == admin.Reject:
		return s.RejectFollowers(ctx, r.Who)
	}
	return s.RemoveFollowers(ctx, r.Who)
}
