package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"image/png"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"crier/internal/app"
	"crier/internal/config"
)

// shutdownTime bounds the end of each of the demo's own servers.
const shutdownTime = time.Second

// Options say how the demo runs.
type Options struct {
	Out     io.Writer    // the story, for people
	Once    bool         // end after the story; an error unless all of it held
	Color   bool         // colours in Out
	Version string       // of crier
	Log     *slog.Logger // crier's own log; nil: its last lines are shown where the story goes wrong
}

// Run plays the story. Without Once it then stays up, with addresses to look at and a log of what goes on,
// until ctx is done, which is no error. It returns in less than 10 s after that.
func Run(ctx context.Context, o Options) (err error) {
	said := &tail{}
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(said, nil))
	}
	dir, err := os.MkdirTemp("", "crier-demo-")
	if err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := build(ctx, dir, o)
	if err != nil {
		return err
	}
	defer s.close()
	s.said = said
	return s.run(ctx, o.Once)
}

// run lets everything run until the story, or ctx, is at its end.
func (s *stage) run(ctx context.Context, once bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	s.start(ctx, g)
	g.Go(func() error {
		defer cancel() // the end of the story is the end of all
		return s.tell(ctx, once)
	})
	return errors.Join(g.Wait(), s.err)
}

// stage is all that takes part.
type stage struct {
	*printer
	dir       string
	app       *app.App
	site      *site
	peers     []*peer
	listeners map[string]net.Listener
	crier     string // base_url
	handle    string
	actor     string
	token     string
	client    *http.Client
	hosts     map[string]string // what to call a server, by its host
	said      *tail             // what crier logged

	mu    sync.Mutex
	shown map[string]string // what to call a post, by its id
}

// build makes everything ready; nothing is served yet.
func build(ctx context.Context, dir string, o Options) (_ *stage, err error) {
	s := &stage{printer: &printer{out: o.Out, color: o.Color}, dir: dir, listeners: map[string]net.Listener{},
		shown: map[string]string{}, hosts: map[string]string{}, token: rand.Text(),
		client: &http.Client{Transport: &http.Transport{DialContext: dialLoopback}, Timeout: stepTime}}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	for _, name := range []string{"blog", "fedi", "birch", "heron"} {
		if s.listeners[name], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			return nil, fmt.Errorf("listen on the loopback interface: %w", err)
		}
		s.hosts[s.host(name)] = name
	}
	s.hosts[s.host("fedi")] = "crier"
	s.crier, s.handle = "http://"+s.host("fedi"), "blog@"+s.host("blog")
	s.actor = s.crier + "/users/blog"
	if err := s.buildSite(); err != nil {
		return nil, err
	}
	for _, who := range [][]string{{"birch", "alice", "anna"}, {"heron", "bob"}} {
		p, err := newPeer(who[0], s.host(who[0]), who[1:]...)
		if err != nil {
			return nil, err
		}
		s.peers = append(s.peers, p)
	}
	return s, s.buildCrier(ctx, o)
}

// host is the name and port under which one of the four is known.
func (s *stage) host(name string) string {
	_, port, err := net.SplitHostPort(s.listeners[name].Addr().String())
	if err != nil {
		panic(err) // cannot be: a TCP listener's address has a port
	}
	return name + loopbackSuffix + ":" + port
}

func (s *stage) buildSite() error {
	site, err := newSite("http://"+s.host("blog"), s.crier, s.handle)
	if err != nil {
		return err
	}
	s.site = site
	for _, slug := range []string{"first-light", "mending-a-kettle", "tide-table"} {
		p, err := site.add(slug, time.Now())
		if err != nil {
			return err
		}
		s.name(p)
	}
	site.publish = func(ctx context.Context, p post) {
		s.name(p)
		s.poke(ctx)
	}
	return nil
}

// buildCrier writes a configuration, as an owner would, and starts crier on it: so the other commands work
// on the demo too.
func (s *stage) buildCrier(ctx context.Context, o Options) error {
	file := filepath.Join(s.dir, "config.toml")
	if err := os.WriteFile(file, []byte(s.configuration()), 0o600); err != nil {
		return fmt.Errorf("write the demo's configuration: %w", err)
	}
	if err := s.paintAvatar(); err != nil {
		return fmt.Errorf("paint the demo's avatar: %w", err)
	}
	cfg, _, err := config.Load(file, true, nil)
	if err != nil {
		return fmt.Errorf("read the demo's configuration: %w", err)
	}
	s.app, err = app.New(ctx, cfg, app.Options{
		Log: o.Log, Listener: s.listeners["fedi"], Version: o.Version, NewIdentity: true,
	})
	return err
}

func (s *stage) paintAvatar() (err error) {
	f, err := os.Create(filepath.Join(s.dir, "avatar.png"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return png.Encode(f, paint("avatar"))
}

func (s *stage) configuration() string {
	blog := s.listeners["blog"].Addr().String()
	return fmt.Sprintf(`# What crier runs with in the demo.
base_url = %q
listen = "127.0.0.1:0"
data_dir = "data"
hook_token = %q

[account]
handle = %q
name = "Tidewater"
summary = "Notes from a small harbour. A *sample blog*, spoken for by crier."
avatar = "avatar.png"
fields = [ { name = "Blog", value = "http://%s" } ]

[[feed]]
url = "http://%s/feed.xml"
interval = "1s"
deletions = "feed"

[network]
allow_private = ["127.0.0.0/8"]
allow_http = true

[network.resolve]
"*" = "127.0.0.1:1"
%q = %q
%q = %q
%q = %q
%q = %q
`, s.crier, s.token, s.handle, s.host("blog"), s.host("blog"),
		s.host("blog"), blog, s.host("birch"), s.listeners["birch"].Addr(), s.host("heron"), s.listeners["heron"].Addr(),
		s.host("fedi"), s.listeners["fedi"].Addr())
}

// start serves the blog and the peers and runs crier, until ctx is done.
func (s *stage) start(ctx context.Context, g *errgroup.Group) {
	handlers := map[string]http.Handler{"blog": s.site.routes()}
	for _, p := range s.peers {
		handlers[p.name] = p.routes()
	}
	// crier stops first: what it still sends should find its peers.
	rest, stop := context.WithCancel(context.WithoutCancel(ctx))
	g.Go(func() error {
		defer stop()
		return s.app.Run(ctx)
	})
	for name, h := range handlers {
		l := s.listeners[name]
		g.Go(func() error { return serve(rest, l, h) })
	}
}

func serve(ctx context.Context, l net.Listener, h http.Handler) error {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: stepTime, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTime)
	defer cancel()
	if err := srv.Shutdown(end); err != nil {
		_ = srv.Close() // a browser that keeps a connection open may not keep the demo
	}
	if err := <-done; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	}
	return nil
}

// close gives back what build took, as far as nobody did before.
func (s *stage) close() {
	if s.app != nil {
		_ = s.app.Close() // does nothing after Run
	}
	for _, p := range s.peers {
		p.close()
	}
	for _, l := range s.listeners {
		if l != nil {
			_ = l.Close() // closed before wherever it was served
		}
	}
	s.client.CloseIdleConnections()
}

// poke tells crier that the blog has changed, as a deploy script does with POST /hook. Should it get lost,
// the next poll is a second away.
func (s *stage) poke(ctx context.Context) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.crier+"/hook", nil)
	if err != nil {
		return
	}
	r.Header.Set("Authorization", "Bearer "+s.token)
	if resp, err := s.client.Do(r); err == nil {
		resp.Body.Close()
	}
}
