package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"crier/internal/fedtest"
)

// TestSecurityAddresses: an actor, hence a key, at an address that nobody may have us visit. The daemon of these
// tests may visit 127.0.0.1, so that every other spelling of it has to be refused for itself.
func TestSecurityAddresses(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	rows := []struct{ name, host, seen string }{
		{"a cloud's metadata", "169.254.169.254", "owncast #5121 (GHSA-fvfm-7j99-r2xv)"},
		{"a cloud's metadata over IPv6", "[fd00:ec2::254]", "owncast #5121"},
		{"another cloud's metadata", "100.100.100.200", "shared addresses: fedify CVE-2026-50131"},
		{"a third cloud's", "168.63.129.16", "Azure's own host"},
		{"loopback", "127.0.0.2", "lemmy CVE-2025-25194"},
		{"the unspecified address", "0.0.0.0", "lemmy CVE-2026-33693"},
		{"this network", "0.1.2.3", "lemmy CVE-2026-33693"},
		{"private, class A", "10.0.0.1", "fedify CVE-2024-39687"},
		{"private, class B", "172.16.0.1", "fedify CVE-2024-39687"},
		{"private, class C", "192.168.1.1", "fedify CVE-2024-39687"},
		{"behind a carrier's NAT", "100.64.0.1", "fedify CVE-2026-50131"},
		{"for benchmarks", "198.18.0.1", "fedify CVE-2026-50131"},
		{"for documentation", "192.0.2.1", "fedify CVE-2026-50131"},
		{"multicast", "224.0.0.1", "fedify CVE-2026-50131"},
		{"reserved", "240.0.0.1", "fedify CVE-2026-50131"},
		{"broadcast", "255.255.255.255", "lemmy CVE-2026-33693"},
		{"IPv6 loopback", "[::1]", "fedify CVE-2025-23221"},
		{"IPv6 unspecified", "[::]", "lemmy CVE-2026-33693"},
		{"mapped into IPv6", "[::ffff:10.0.0.1]", "documenso #2901"},
		{"mapped into IPv6, in hex", "[::ffff:a00:1]", "documenso #2901"},
		{"mapped metadata", "[::ffff:169.254.169.254]", "documenso #2901"},
		{"compatible with IPv4", "[::10.0.0.1]", "documenso #2901"},
		{"translated (NAT64)", "[64:ff9b::a00:1]", "documenso #2901's kin: translation prefixes"},
		{"translated locally", "[64:ff9b:1::a00:1]", "RFC 8215"},
		{"6to4", "[2002:a00:1::]", "documenso #2901's kin: transition mechanisms"},
		{"Teredo", "[2001:0:a00:1::]", "documenso #2901's kin: transition mechanisms"},
		{"ORCHID", "[2001:20::1]", "RFC 7343"},
		{"unique local", "[fd12::1]", "fedify CVE-2024-39687"},
		{"link-local", "[fe80::1]", "fedify CVE-2024-39687"},
		{"link-local with a zone", "[fe80::1%25lo]", "go CVE-2025-47912 (what stands in brackets)"},
		{"site-local", "[fec0::1]", "RFC 3879"},
		{"IPv6 multicast", "[ff02::1]", "fedify CVE-2026-50131"},
		{"for IPv6 documentation", "[2001:db8::1]", "fedify CVE-2026-50131"},
		{"a number", "2130706434", "private-ip CVE-2020-28360"},
		{"in hex", "0x7f000002", "ip (npm) CVE-2023-42282"},
		{"partly in hex", "0x7f.0.0.2", "ip (npm) CVE-2023-42282"},
		{"in octal", "0177.0.0.2", "netmask (npm) CVE-2021-28918; go CVE-2021-29923"},
		{"with leading zeros", "010.000.000.001", "python CVE-2021-29921; go CVE-2021-29923"},
		{"shortened", "127.2", "ip (npm) CVE-2024-29415"},
		{"in full-width digits", "１０.０.０.１", "URL confusion: IDNA maps digits"},
		{"in circled digits", "①⓪.0.0.1", "URL confusion: IDNA maps digits"},
		{"with other full stops", "10。0。0。1", "URL confusion: IDNA maps full stops"},
		{"with a dot at its end", "10.0.0.1.", "lookups that drop the dot"},
		{"a name that leads inside", "inside.example", "rebinding: lemmy CVE-2025-25194"},
		{"a name that leads to metadata", "metadata.example", "rebinding: lemmy CVE-2025-25194"},
		{"a name that leads to zero", "zero.example", "lemmy CVE-2026-33693"},
		{"a name that leads to IPv6 loopback", "six.example", "fedify CVE-2025-23221"},
		{"the port of mail", "93.184.216.34:25", "cross-protocol requests"},
		{"the port of a database", "93.184.216.34:6379", "cross-protocol requests: Redis"},
		{"port 0", "victim.example:0", "readers differ"},
		{"a port that is too large", "victim.example:65616", "readers that take it modulo 65536"},
	}
	for _, k := range rows {
		t.Run(k.name, func(t *testing.T) {
			b := *a
			b.t = t
			p := &person{host: k.host, name: "mallory", key: a.friend.key}
			attack{seen: k.seen, body: strings.Replace(follow, "$host/1", "$host/users/1", 1), want: "400 401 503"}.sendAs(&b, p, nil)
		})
	}
}

// TestSecurityPlainHTTP: without allow_http nobody speaks plain http with other servers.
func TestSecurityHTTPSOnly(t *testing.T) {
	t.Parallel()
	a := newArena(t)
	for _, to := range []string{"https://victim.example/users/x", "https://$host/users/x"} {
		p := a.stranger(nil)
		a.out.handle(p.host, sends(to)(a, p))
		attack{seen: "downgrades", body: follow, want: "401 503", most: 2}.sendAs(a, p, nil)
	}
}

// TestSecurityExhaustion: what is sent again and again, by one or by many, costs others a bounded number of requests.
func TestSecurityExhaustion(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name, seen string
		storm      func(a *arena)
		most       int
	}{
		{"a storm of deletions", "mastodon #25041; every server tells everybody", func(a *arena) {
			for i := range 500 {
				p := &person{host: fmt.Sprintf("d%d.example", i), name: "gone", key: a.friend.key}
				if got := p.say(a, `{"id":"$me#delete","type":"Delete","actor":"$me","object":"$me"}`); got != http.StatusAccepted {
					a.t.Fatal(got)
				}
			}
		}, 0},
		{"a bomb of Announces", "mastodon CVE-2022-46405", func(a *arena) {
			p := a.stranger(nil)
			for range 200 {
				p.say(a, `{"id":"$me/$n","type":"Announce","actor":"$me","object":"http://victim.example/$n"}`)
			}
		}, 0},
		{"a key that is not there, again and again", "owncast #5121; negative caching", func(a *arena) {
			p := &person{host: "nobody.example", name: "x", key: a.friend.key}
			for range 50 {
				p.say(a, follow)
			}
		}, 1},
		{"many keys of one server that are not there", "owncast #5121: a flood of somebody else's server", func(a *arena) {
			for i := range 100 {
				(&person{host: "empty.example", name: fmt.Sprint("x", i), key: a.friend.key}).say(a, follow)
			}
		}, 30},
		{"wrong signatures for one known actor", "fedify GHSA-6jcc-xgcr-q3h4; a flood of refetches", func(a *arena) {
			liar := &person{host: a.friend.host, name: a.friend.name, key: a.stranger(nil).key}
			for range 50 {
				liar.say(a, `{"id":"$me/$n","type":"Undo","actor":"$me","object":{"type":"Follow","actor":"$me","object":"$us"}}`)
			}
		}, 1},
		{"a wildcard name whose hosts all follow", "mastodon CVE-2022-46405", func(a *arena) {
			for i := range 40 {
				p := a.person(fmt.Sprintf("h%d.wildcard.example", i), "x", nil)
				p.say(a, follow)
			}
			a.rest()
			followers, err := a.app.Ops().Store.Followers(0, 0)
			must(a.t, err)
			for _, f := range followers { // they leave again, as far as they came
				if p := (&person{host: strings.TrimPrefix(strings.TrimSuffix(f.Actor, "/users/x"), "http://"), name: "x", key: fedtest.Key("x")}); p.id() == f.Actor {
					p.say(a, `{"id":"$me/bye","type":"Undo","actor":"$me","object":{"type":"Follow","actor":"$me","object":"$us"}}`)
				}
			}
			if n := len(followers) - 1; n != 30 {
				a.t.Errorf("%d hosts of one domain follow", n)
			}
		}, 40 + 30},
		{"one server's outage", "every outage", func(a *arena) {
			p := a.stranger(nil)
			a.out.handle(p.host, says(500, "oops")(a, p))
			for range 50 {
				p.say(a, follow)
			}
		}, 1},
		{"a hundred senders of one key at once", "single-flight: mastodon's locks", func(a *arena) {
			p := a.stranger(nil)
			arrived, open := make(chan struct{}, 100), make(chan struct{})
			a.out.handle(p.host, func(w http.ResponseWriter, _ *http.Request) {
				arrived <- struct{}{}
				<-open
				w.WriteHeader(http.StatusNotFound)
			})
			done := make(chan int, 50)
			for range 50 {
				r := a.message(p, follow).request(a.t)
				go func() { done <- a.do(r).status }()
			}
			<-arrived
			close(open)
			for range 50 {
				<-done
			}
		}, 1},
	}
	arena := newArena(t)
	for _, k := range rows {
		t.Run(k.name, func(t *testing.T) {
			a := *arena
			a.t = t
			before, asked := a.state(), len(a.out.since(0))
			k.storm(&a)
			arena.serial = a.serial
			if a.state() != before {
				t.Error("what is stored has changed")
			}
			if caused := a.out.since(asked); len(caused) > k.most {
				t.Errorf("it caused %d requests, %d at most are due", len(caused), k.most)
			}
			if k.seen == "" {
				t.Error("the row names no real-world case")
			}
		})
	}
}
