package federation

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"crier/store"
)

// TestMoveWithTheHandle: the handle leads to the new account; the old actor can still be looked up by the name on
// its own host, or nobody who comes late could see where it went.
func TestMoveWithTheHandle(t *testing.T) {
	d := newDaemon(t)
	newNewHome(d)
	d.s.cfg.Aliases = map[string]string{"blog@example.com": "self", "Me@sub.example.com": "self", "else@example.com": "https://e.example/u"}
	if _, err := d.s.Move(t.Context(), homeActor, true); err != nil {
		t.Fatal(err)
	}
	tests := map[string][2]string{ // resource → subject, self
		"acct:user@example.com":        {"acct:user@example.com", homeActor},
		"acct:blog@example.com":        {"acct:blog@example.com", homeActor},
		"acct:Me@sub.example.com":      {"acct:Me@sub.example.com", homeActor},
		"acct:user@www.example.com":    {"acct:user@www.example.com", homeActor},
		"acct:example.com@example.com": {"acct:example.com@example.com", homeActor},
		"https://example.com/":         {"https://example.com/", homeActor},
		"https://www.example.com":      {"https://www.example.com/", homeActor},
		testBase + "/":                 {"acct:user@fedi.example.com", oldActor},
		"acct:user@fedi.example.com":   {"acct:user@fedi.example.com", oldActor},
		oldActor:                       {"acct:user@fedi.example.com", oldActor},
		"acct:else@example.com":        {"acct:else@example.com", "https://e.example/u"},
	}
	for resource, want := range tests {
		var j jrd
		w := d.ask(http.MethodGet, "/.well-known/webfinger?resource="+resource, "")
		if err := json.Unmarshal(w.Body.Bytes(), &j); err != nil {
			t.Fatalf("%s: %d %v", resource, w.Code, err)
		}
		if string(j.Subject) != want[0] || j.actor() != want[1] {
			t.Errorf("%s: subject %s, self %s", resource, j.Subject, j.actor())
		}
	}
	if got := d.actorNow().WebFinger; got != "user@fedi.example.com" {
		t.Errorf("the actor calls itself %s", got)
	}
}

// TestHandleThatCannotMove: where the handle is the only name of the actor.
func TestHandleThatCannotMove(t *testing.T) {
	d := newDaemon(t)
	newNewHome(d)
	c := testConfig(d.db, d.net, d.s.log)
	c.Handle = "user@fedi.example.com"
	d.s = New(c)
	_, err := d.s.Move(t.Context(), homeActor, true)
	if err == nil || !strings.Contains(err.Error(), "--webfinger") {
		t.Errorf("err = %v", err)
	}
}

// TestMoveIsChecked: each thing that other servers check is told before anything happens.
func TestMoveIsChecked(t *testing.T) {
	tests := []struct {
		name   string
		target string
		bend   func(h *newHome, doc map[string]any)
		setup  func(h *newHome)
		want   string // in what is to be mended
	}{
		{name: "all is well"},
		{name: "no such server", target: "https://nobody.example/users/x", want: "cannot be looked up"},
		{name: "plain http", target: "http://new.example/users/user", want: "only https"},
		{name: "no handle", target: "what", want: "neither a handle"},
		{name: "deleted", setup: func(h *newHome) { h.status = 410 }, want: "410"},
		{name: "ourselves", target: oldActor, want: "is this account itself"},
		{name: "no alias", bend: func(_ *newHome, doc map[string]any) { delete(doc, "alsoKnownAs") }, want: "does not say that it is also known as"},
		{name: "another alias", bend: func(_ *newHome, doc map[string]any) { doc["alsoKnownAs"] = []string{"https://x.example/u"} }, want: "enter @user@example.com there"},
		{name: "one alias, no list", bend: func(_ *newHome, doc map[string]any) { doc["alsoKnownAs"] = oldActor }},
		{name: "not byte for byte", bend: func(_ *newHome, doc map[string]any) { doc["alsoKnownAs"] = []string{oldActor + "/"} }, want: "has to be exactly"},
		{name: "its profile page", bend: func(_ *newHome, doc map[string]any) { doc["alsoKnownAs"] = []string{testBase + "/@user"} }, want: "has to be exactly"},
		{name: "moved on", bend: func(_ *newHome, doc map[string]any) { doc["movedTo"] = "https://next.example/u" }, want: "has moved to https://next.example/u itself"},
		{name: "suspended", bend: func(_ *newHome, doc map[string]any) { doc["suspended"] = true }, want: "suspended"},
		{name: "another id", bend: func(_ *newHome, doc map[string]any) { doc["id"] = "https://other.example/u" }, want: "another host"},
		{name: "no actor", bend: func(_ *newHome, doc map[string]any) { doc["type"] = "Note" }, want: "not an actor's"},
		{name: "cannot be looked up", setup: func(h *newHome) { h.finger = "https://new.example/users/other" }, want: "leads to https://new.example/users/other"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			d := newDaemon(t)
			h := newNewHome(d)
			if tt.setup != nil {
				tt.setup(h)
			}
			if tt.bend != nil {
				h.bend = func(doc map[string]any) { tt.bend(h, doc) }
			}
			target := tt.target
			if target == "" {
				target = homeActor
			}
			d.net.handle("fedi.example.com", d.s.Handler())
			plan, err := d.s.PlanMove(t.Context(), target, false)
			if err != nil {
				t.Fatal(err)
			}
			wrong := strings.Join(plan.Wrong(), "; ")
			if tt.want == "" && wrong != "" || !strings.Contains(wrong, tt.want) {
				t.Errorf("to be mended: %q, want %q", wrong, tt.want)
			}
			_, err = d.s.Move(t.Context(), target, false)
			if (err == nil) != (tt.want == "") {
				t.Errorf("err = %v", err)
			}
			if moved := d.actorNow().MovedTo != ""; moved != (tt.want == "") {
				t.Errorf("moved: %t", moved)
			}
		})
	}
}

// TestMoveShowsTheConfirmedHandle: the name of an account need not be at the host of its id.
func TestMoveShowsTheConfirmedHandle(t *testing.T) {
	d := newDaemon(t)
	const handle = "user@blog.new.example"
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		serveJSON(w, typeJRD, map[string]any{"subject": "acct:" + handle, "links": []any{
			map[string]any{"rel": "self", "type": typeActivity, "href": homeActor},
		}})
	})
	d.net.handle("blog.new.example", answer)
	home := &splitHome{newHome: newNewHome(d), finger: answer}
	d.net.handle(homeHost, home)
	for _, target := range []string{homeActor, "@user@" + homeHost, handle} {
		plan, err := d.s.PlanMove(t.Context(), target, false)
		if err != nil || plan.Handle != handle || len(plan.Wrong()) > 0 {
			t.Errorf("%s: handle %q, %v, %v", target, plan.Handle, plan.Wrong(), err)
		}
	}
	d.moveHome()
	if s := d.moveStatus(); s.Handle != handle {
		t.Errorf("the status shows %q", s.Handle)
	}
	if _, err := d.s.stepMove(time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	log, err := d.db.LastLog(10, false)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(log, func(e store.LogEntry) bool { return e.Type == "Move" && e.Object == "user@example.com → "+handle }) {
		t.Errorf("log: %+v", log)
	}
}

// splitHome is a new home whose handle is on another domain.
type splitHome struct {
	*newHome
	finger http.Handler
}

func (h *splitHome) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/.well-known/webfinger" {
		h.finger.ServeHTTP(w, r)
		return
	}
	h.newHome.ServeHTTP(w, r)
}

// TestMovedTwice: an account that is away cannot move on from here.
func TestMovedTwice(t *testing.T) {
	d := newDaemon(t)
	newNewHome(d)
	d.moveHome()
	if _, err := d.s.Move(t.Context(), homeActor, false); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("err = %v", err)
	}
	if d.actorNow().MovedTo != homeActor {
		t.Error("it is at home again")
	}
}
