package demo

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"crier/internal/fedtest"
)

// stepTime bounds each step. All of them together take a few seconds; crier polls every second.
const stepTime = 10 * time.Second

// chapter is a part of the story, with what has to hold in it.
type chapter struct {
	title, intro string
	steps        []step
}

type step struct {
	claim string
	run   func(context.Context) error
}

// follow is one of the three followers.
type follow struct {
	at   *peer
	user string
}

func (s *stage) follows() []follow {
	var all []follow
	for _, p := range s.peers {
		for _, u := range p.users {
			all = append(all, follow{p, u})
		}
	}
	return all
}

// tell plays the chapters, stops at the first step that does not hold, and lists which did.
func (s *stage) tell(ctx context.Context, once bool) error {
	s.opening()
	chapters := s.chapters()
	var failed error
	held := 0
	for i, c := range chapters {
		if failed != nil {
			break
		}
		s.chapter(i+1, c.title, c.intro)
		var done int
		done, failed = s.play(ctx, c.steps)
		held += done
	}
	if ctx.Err() != nil {
		if once {
			return fmt.Errorf("the demo was stopped before its end: %w", context.Cause(ctx))
		}
		return nil
	}
	total := s.summary(chapters, held)
	if failed != nil {
		s.crierSaid()
	}
	if once {
		if failed != nil {
			return fmt.Errorf("%d of %d steps held; the next one: %w", held, total, failed)
		}
		return nil
	}
	s.addresses()
	s.follow(ctx)
	return nil
}

func (s *stage) play(ctx context.Context, steps []step) (held int, err error) {
	type verdict struct {
		claim string
		err   error
	}
	var verdicts []verdict // shown below the log lines of all steps
	for _, one := range steps {
		stepCtx, cancel := context.WithTimeout(ctx, stepTime)
		err = one.run(stepCtx)
		cancel()
		if ctx.Err() != nil {
			return held, ctx.Err()
		}
		verdicts = append(verdicts, verdict{one.claim, err})
		if err != nil {
			break
		}
		held++
	}
	s.printf("\n")
	for _, v := range verdicts {
		s.claim(v.claim, v.err)
	}
	return held, err
}

func (s *stage) opening() {
	s.printf("%s\n\n", s.bold("crier demo"))
	s.printf("%s", indent("A blog, crier, and two servers of other people, all on this computer. alice and "+
		"anna live on birch, bob lives on heron. Nothing leaves the loopback interface.", "  ", wide))
	s.printf("\n")
	for _, line := range [][2]string{
		{"blog", s.site.base}, {"crier", s.crier}, {"birch", s.peers[0].BaseURL()}, {"heron", s.peers[1].BaseURL()},
		{"handle", "@" + s.handle},
	} {
		s.printf("  %-7s %s\n", line[0], line[1])
	}
}

// summary lists every claim of the story: held, not held, or not reached.
func (s *stage) summary(chapters []chapter, held int) (total int) {
	s.printf("\n%s\n\n", s.bold("What held"))
	for _, c := range chapters {
		for _, one := range c.steps {
			switch {
			case total < held:
				s.printf("  %s %s\n", s.mark(true), one.claim)
			case total == held:
				s.printf("  %s %s\n", s.mark(false), one.claim)
			default:
				s.printf("%s\n", s.dim("  – "+one.claim+" (not reached)"))
			}
			total++
		}
	}
	s.printf("\n  %d of %d.\n", held, total)
	return total
}

// crierSaid shows the end of crier's own log.
func (s *stage) crierSaid() {
	lines := s.said.last()
	if len(lines) == 0 {
		return
	}
	s.printf("\n%s\n\n", s.bold("What crier logged last"))
	for _, l := range lines {
		s.printf("%s", indent(l, "  ", wide))
	}
}

func (s *stage) addresses() {
	s.printf("\n%s\n\n", s.bold("Have a look"))
	lines := [][2]string{
		{"the blog; a button there publishes another entry", s.site.base + "/"},
		{"the profile page (the actor, for a program)", s.actor},
		{"WebFinger, at the blog's own host", s.site.base + "/.well-known/webfinger?resource=acct:" + s.handle},
		{"the outbox", s.actor + "/outbox"},
	}
	if posts := s.site.snapshot(); len(posts) > 0 {
		lines = append(lines, [2]string{"a post (a browser is sent on to the entry)", s.site.postID(posts[0])})
	}
	for _, f := range s.follows() {
		lines = append(lines, [2]string{"the home timeline of " + f.user, f.at.BaseURL() + "/@" + f.user})
	}
	for _, l := range lines {
		s.printf("  %s\n    %s\n", s.dim(l[0]), l[1])
	}
	s.printf("\n%s\n    %s\n", s.dim("  every document is JSON for who asks for it:"),
		"curl -H 'Accept: application/activity+json' \\\n      "+s.actor)
	s.printf("%s\n    %s\n", s.dim("  crier's own view, with any of its commands:"),
		command()+" log --config "+s.dir+"/config.toml")
	s.printf("\n  Press Ctrl-C to end it; nothing of it stays behind.\n\n")
}

// follow prints what further arrives at the peers, until ctx is done.
func (s *stage) follow(ctx context.Context) {
	var g errgroup.Group
	for _, p := range s.peers {
		next := len(p.Arrivals())
		g.Go(func() error {
			return p.Wait(ctx, func() bool {
				all := p.Arrivals()
				for ; next < len(all); next++ {
					s.arrived(p, all[next])
				}
				return false
			})
		})
	}
	_ = g.Wait() // the end of ctx, which is how the demo ends
}

// arrived prints one line of the log for what came to a peer.
func (s *stage) arrived(p *peer, in fedtest.Arrival) {
	to := p.name + ", shared"
	if name, ok := strings.CutPrefix(in.Inbox, "/users/"); ok {
		to = strings.TrimSuffix(name, "/inbox") + "’s inbox"
	}
	effect := in.Effect
	switch {
	case in.Err != nil:
		effect = "refused: " + in.Err.Error()
	case in.Verified:
		effect = "signature right; " + effect
	}
	s.row(row{when: in.Time, what: s.describe(in), from: "blog", to: to, outcome: fmt.Sprint(in.Status), effect: effect, bad: in.Err != nil})
}

// describe shows an activity the way the article does: type and object, nested.
func (s *stage) describe(in fedtest.Arrival) string {
	inner := in.Object
	switch in.Type {
	case "Accept", "Reject":
		inner = "Follow(" + localName(in.Inbox) + " → blog)"
	case "Move":
		inner = "blog → " + newHome
	case "Create", "Update", "Delete":
		if in.Object == s.actor {
			inner = "Person blog"
			break
		}
		kind := map[bool]string{true: "Tombstone", false: "Note"}[in.Type == "Delete"]
		inner = kind + " “" + s.title(in.Object) + "”"
		room := wideWhat - len(in.Type) - len("()")
		if r := []rune(inner); len(r) > room {
			inner = strings.TrimRight(string(r[:room-2]), " ,") + "…”"
		}
	}
	return in.Type + "(" + inner + ")"
}

// name remembers what to call a post.
func (s *stage) name(p post) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown[s.site.postID(p)] = p.Title
}

func (s *stage) title(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shown[id]
}

// localName is the user part of an inbox path or an actor's id.
func localName(path string) string {
	_, name, _ := strings.Cut(path, "/users/")
	name, _, _ = strings.Cut(name, "/")
	return name
}

// command is how this program is called: under go run the binary is gone when it ends.
func command() string {
	name, err := os.Executable()
	if err != nil || strings.Contains(name, "go-build") {
		return "go run ."
	}
	if found, err := exec.LookPath("crier"); err == nil && found == name {
		return "crier"
	}
	return name
}
