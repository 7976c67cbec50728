package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"crier/internal/fedtest"
)

// elsewhereKey is where a script keeps the server that accounts move from and to.
type elsewhereKey struct{}

// runPeer is the script command that plays another server, peer.example:
//
//	peer serve NAME...       serves it, with these accounts; $PEER is its address
//	peer alias NAME          that account is also known as crier's
//	peer follow NAME         that account follows crier's, and is accepted
func runPeer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: elsewhere serve|alias|follow NAME...")
	}
	const actor = "http://fedi.example.com/users/user"
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if args[0] == "serve" {
		servePeer(ts, args[1:])
		return
	}
	p, ok := peers(ts).peer, true
	switch args[0] {
	case "alias":
		ts.Check(p.AddAlias(ctx, args[1], actor))
	case "follow":
		_, err := p.Follow(ctx, args[1], actor)
		ts.Check(err)
		ok = p.Wait(ctx, func() bool { return p.Following(args[1], actor) }) == nil
	default:
		ts.Fatalf("elsewhere %s is not known", args[0])
	}
	if !ok {
		ts.Fatalf("%s is not accepted", args[1])
	}
}

// held is what a script has of its peer; it is made when the script begins.
type held struct{ peer *fedtest.Server }

func peers(ts *testscript.TestScript) *held { return ts.Value(elsewhereKey{}).(*held) }

func servePeer(ts *testscript.TestScript, names []string) {
	dir := ts.MkAbs(".")
	p := fedtest.New(fedtest.Config{BaseURL: "http://peer.example", HTTP: &http.Transport{
		DisableKeepAlives: true, // crier has another address each time it starts
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			if !strings.HasPrefix(addr, "fedi.example.com:") {
				return nil, fmt.Errorf("dial %s: no such host in this script", addr)
			}
			at, err := os.ReadFile(dir + "/data/addr")
			if err != nil {
				return nil, err
			}
			return new(net.Dialer).DialContext(ctx, network, string(at))
		},
	}})
	for _, name := range names {
		p.AddActor(name)
	}
	served := httptest.NewServer(p)
	ts.Defer(func() {
		served.Close()
		p.Close()
	})
	peers(ts).peer = p
	ts.Setenv("PEER", strings.TrimPrefix(served.URL, "http://"))
}
