package app

import (
	"context"
	"fmt"

	"crier/federation"
	"crier/internal/admin"
)

// hand is what the owner does with posts by hand.
func (c *core) hand() admin.Hand {
	return admin.Hand{Do: c.byHand, Find: c.server.FindPost}
}

func (c *core) byHand(ctx context.Context, r admin.PostRequest) (admin.PostDone, error) {
	draft := federation.Draft{Markdown: r.Markdown, Warning: r.Warning, Visibility: r.Visibility, ReplyTo: r.ReplyTo}
	var done federation.Done
	var err error
	switch r.Do {
	case admin.PostNew:
		done, err = c.server.Compose(ctx, draft)
	case admin.PostEdit:
		done, err = c.server.Edit(ctx, r.Post, draft)
	case admin.PostDelete:
		done, err = c.server.Delete(r.Post)
	case admin.PostBoost:
		done, err = c.server.Boost(ctx, r.Post)
	case admin.PostUnboost:
		done, err = c.server.Unboost(r.Post)
	case admin.PostPin:
		done, err = c.server.Pin(r.Post)
	case admin.PostUnpin:
		done, err = c.server.Unpin(r.Post)
	default:
		err = fmt.Errorf("nothing with a post is called %q", r.Do)
	}
	if err != nil {
		return admin.PostDone{}, err
	}
	out := admin.PostDone{Post: admin.PostOf(done.Post), Changed: done.Changed, Queued: done.Queued, Notes: done.Notes}
	if done.Boost.Object != "" {
		out.Post = admin.BoostOf(done.Boost)
	}
	return out, nil
}
