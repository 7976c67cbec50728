package federation

import (
	"net/http"
	"testing"
)

// newSplit is somebody whose actor is on one host and whose handle is on another: ann@handle.example.
func newSplit(t *testing.T, d *daemon) *stranger {
	t.Helper()
	x := newStranger(t, d, "peer.example", "ann")
	names := map[string][2]string{
		"acct:ann@peer.example":   {"acct:ann@handle.example", x.id()},
		"acct:ann@handle.example": {"acct:ann@handle.example", x.id()},
	}
	d.server("handle.example", jrdServer(t, names))
	x.bend(func(doc map[string]any) { doc["webfinger"] = "ann@handle.example" })
	x.instead(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/.well-known/webfinger":
			jrdServer(t, names)(w, r)
		case "/notes/1":
			serveJSON(w, typeActivity, map[string]any{
				"id": "https://peer.example/notes/1", "type": "Note", "attributedTo": x.id(), "content": "hm", "to": []string{Public},
			})
		default:
			x.documents(w, r)
		}
	})
	return x
}

// TestHandlesOnAnotherDomain: whatever the owner names, and however, goes by the handle that both hosts agree on.
func TestHandlesOnAnotherDomain(t *testing.T) {
	const want = "ann@handle.example"
	for _, name := range []string{"https://peer.example/users/ann", "@ann@peer.example", "@ann@handle.example"} {
		t.Run(name, func(t *testing.T) {
			d := newDaemon(t)
			newSplit(t, d)
			if a, err := d.s.AddAlias(t.Context(), name); err != nil || a.Handle != want {
				t.Errorf("alias %+v, %v", a, err)
			}
			if a, err := d.s.RemoveAlias(t.Context(), name); err != nil || a.Handle != want {
				t.Errorf("alias removed: %+v, %v", a, err)
			}
			if p, err := d.s.PlanMove(t.Context(), name, false); err != nil || p.Handle != want {
				t.Errorf("plan %+v, %v", p, err)
			}
			if b := d.block(name); b.Block.Handle != want {
				t.Errorf("block %+v", b)
			}
			if b, err := d.s.RemoveBlock(t.Context(), name); err != nil || b.Handle != want {
				t.Errorf("block removed: %+v, %v", b, err)
			}
		})
	}
	d := newDaemon(t)
	newSplit(t, d)
	done := d.compose(Draft{Markdown: "Really?", ReplyTo: "https://peer.example/notes/1"})
	if m := done.Post.Mentions; len(m) != 1 || m[0].Name != "@"+want {
		t.Errorf("mentions %+v", m)
	}
}

// TestHandlesClaimed: a handle on another domain that does not agree is not shown.
func TestHandlesClaimed(t *testing.T) {
	d := newDaemon(t)
	x := newSplit(t, d)
	d.server("handle.example", jrdServer(t, map[string][2]string{
		"acct:ann@handle.example": {"acct:ann@handle.example", "https://handle.example/users/ann"},
	}))
	if b := d.block(x.id()); b.Block.Handle != "ann@peer.example" {
		t.Errorf("block %+v", b)
	}
	if a, err := d.s.AddAlias(t.Context(), x.id()); err != nil || a.Handle != "ann@peer.example" {
		t.Errorf("alias %+v, %v", a, err)
	}
}
