package federation

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestGoneInboxAndGoneActor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		p := newPeer(d.net, "closing.example")
		p.answer(statuses(410))
		d.follow(p, "ann", false)
		d.follow(p, "bob", false)
		d.run()
		d.announce("example.com/hello/")
		settle()
		d.announce("example.com/more/")
		settle()
		if n := len(p.posts()); n != 2 {
			t.Errorf("%d posts, want one for each inbox and nothing after the 410", n)
		}

		p.setGone("ann", true)
		const day = 24 * time.Hour
		time.Sleep(2*day - time.Hour) // the daily looks of two days
		if n, _ := d.db.CountFollowers(); n != 2 {
			t.Errorf("%d followers after two days, want 2", n)
		}
		time.Sleep(day + time.Hour)
		if _, err := d.db.Follower(p.actor("ann")); err == nil {
			t.Error("ann still follows, although her account was gone on three days")
		}
		p.answer(nil)
		d.announce("example.com/back/")
		settle()
		posts := p.posts()
		if len(posts) != 3 || posts[2].Path != "/inbox" {
			t.Errorf("bob, who is still there, should have got the new post at the inbox that he names now: %v", ids(posts))
		}
	})
}

func TestGoneInboxWhileActorUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDaemon(t)
		p := newPeer(d.net, "closing.example")
		p.answer(statuses(410))
		d.follow(p, "ann", false)
		d.run()
		d.announce("example.com/hello/")
		settle()
		d.net.handle(p.host, nil)
		time.Sleep(30 * 24 * time.Hour)
		if n, _ := d.db.CountFollowers(); n != 1 {
			t.Error("a follower was forgotten although nobody said that its account is gone")
		}
	})
}
