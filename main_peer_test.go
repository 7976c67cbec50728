package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"crier/internal/fedtest"
)

// fediActor is the account in the scripts that have a peer.
const fediActor = "http://fedi.example.com/users/user"

// peerKey is where a script keeps its peer.
type peerKey struct{}

// startPeer is the command "peer NAME...": a server, peer.example, with people of these names on it, who know the
// daemon as fedi.example.com. Its address is in $PEER.
func startPeer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: peer NAME...")
	}
	peer := fedtest.New(fedtest.Config{BaseURL: "http://peer.example", HTTP: &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, ts.ReadFile("data/addr"))
		},
		DisableKeepAlives: true, // the next daemon has another address
	}})
	for _, name := range args {
		peer.AddActor(name)
	}
	srv := httptest.NewServer(peer)
	ts.Defer(func() {
		srv.Close()
		peer.Close()
	})
	ts.Setenv("PEER", strings.TrimPrefix(srv.URL, "http://"))
	ts.Value(peerKey{}).(*peerBox).server = peer
}

// peerBox is there before the peer is, as testscript wants it.
type peerBox struct{ server *fedtest.Server }

func peerOf(ts *testscript.TestScript) *fedtest.Server {
	peer := ts.Value(peerKey{}).(*peerBox).server
	if peer == nil {
		ts.Fatalf("there is no peer: use the command peer first")
	}
	return peer
}

// sendFollows is the command "follow NAME...": they follow the account one after the other, and the daemon has taken it.
func sendFollows(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: follow NAME...")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, name := range args {
		_, err := peerOf(ts).Follow(ctx, name, fediActor)
		ts.Check(err)
	}
}

// followState is the command "following NAME accepted|rejected": waits until the person's own server says so. With
// "asked" it looks once, and no answer must have come.
func followState(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: following NAME accepted|rejected|asked")
	}
	state := func() string {
		for _, f := range peerOf(ts).Follows(args[0]) {
			switch {
			case f.Object != fediActor:
			case f.Accepted:
				return "accepted"
			case f.Rejected:
				return "rejected"
			default:
				return "asked"
			}
		}
		return "nothing"
	}
	if args[1] == "asked" {
		if got := state(); got != "asked" {
			ts.Fatalf("%s has %s, not asked", args[0], got)
		}
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := peerOf(ts).Wait(ctx, func() bool { return state() == args[1] }); err != nil {
		ts.Fatalf("%s has %s, not %s (%v)", args[0], state(), args[1], err)
	}
}

// toldOf is the command "got NAME N": waits until there are so many posts in the person's timeline.
func toldOf(ts *testscript.TestScript, neg bool, args []string) {
	var want int
	if len(args) == 2 {
		_, err := fmt.Sscan(args[1], &want)
		ts.Check(err)
	}
	if neg || len(args) != 2 {
		ts.Fatalf("usage: got NAME NUMBER")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := peerOf(ts).Wait(ctx, func() bool { return len(peerOf(ts).Timeline(args[0])) == want }); err != nil {
		ts.Fatalf("%s got %d posts, not %d (%v)", args[0], len(peerOf(ts).Timeline(args[0])), want, err)
	}
}
