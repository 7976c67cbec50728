package netguard

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
)

// TestCheckAddr has the first and the last address of every closed block, and neighbours that are open.
func TestCheckAddr(t *testing.T) {
	tests := []struct{ addr, kind string }{ // kind "" = may be contacted
		{"0.0.0.0", "the unspecified address"},
		{"0.255.255.255", "an address of this network"},
		{"1.0.0.0", ""},
		{"9.255.255.255", ""},
		{"10.0.0.0", "a private address"},
		{"10.255.255.255", "a private address"},
		{"11.0.0.0", ""},
		{"100.63.255.255", ""},
		{"100.64.0.0", "a shared address"},
		{"100.127.255.255", "a shared address"},
		{"100.128.0.0", ""},
		{"127.0.0.1", "a loopback address"},
		{"127.255.255.255", "a loopback address"},
		{"128.0.0.0", ""},
		{"168.63.129.15", ""},
		{"168.63.129.16", "a cloud host's address"},
		{"168.63.129.17", ""},
		{"169.254.0.0", "a link-local address"},
		{"169.254.169.254", "a link-local address"},
		{"169.255.0.0", ""},
		{"172.15.255.255", ""},
		{"172.16.0.0", "a private address"},
		{"172.31.255.255", "a private address"},
		{"172.32.0.0", ""},
		{"192.0.0.0", "a reserved address"},
		{"192.0.0.255", "a reserved address"},
		{"192.0.1.0", ""},
		{"192.0.2.1", "a documentation address"},
		{"192.88.99.1", "a 6to4 relay address"},
		{"192.88.100.0", ""},
		{"192.168.0.0", "a private address"},
		{"192.168.255.255", "a private address"},
		{"192.169.0.0", ""},
		{"198.17.255.255", ""},
		{"198.18.0.0", "a benchmarking address"},
		{"198.19.255.255", "a benchmarking address"},
		{"198.51.100.7", "a documentation address"},
		{"203.0.113.9", "a documentation address"},
		{"223.255.255.255", ""},
		{"224.0.0.1", "a multicast address"},
		{"239.255.255.255", "a multicast address"},
		{"240.0.0.0", "a reserved address"},
		{"255.255.255.254", "a reserved address"},
		{"255.255.255.255", "the broadcast address"},
		{"::", "the unspecified address"},
		{"::1", "a loopback address"},
		{"::2", "a reserved address"},
		{"::10.0.0.1", "a reserved address"}, // IPv4-compatible, long given up
		{"::ffff:10.0.0.1", "a private address"},
		{"::ffff:127.0.0.1", "a loopback address"},
		{"::ffff:169.254.169.254", "a link-local address"},
		{"::ffff:93.184.216.34", ""},
		{"::ffff:0:127.0.0.1", "a reserved address"}, // SIIT, RFC 2765
		{"64:ff9b::7f00:1", "a NAT64 address for 127.0.0.1, a loopback address"},
		{"64:ff9b::a9fe:a9fe", "a NAT64 address for 169.254.169.254, a link-local address"},
		{"64:ff9b::a00:1", "a NAT64 address for 10.0.0.1, a private address"},
		{"64:ff9b::", "a NAT64 address for 0.0.0.0, the unspecified address"},
		{"64:ff9b::ffff:ffff", "a NAT64 address for 255.255.255.255, the broadcast address"},
		{"64:ff9b::5db8:d822", ""},                     // a public address through the gateway
		{"64:ff9b::1:5db8:d822", "a reserved address"}, // beside the prefix
		{"64:ff9b:1::1", "a local NAT64 address"},
		{"64:ff9b:1::5db8:d822", "a local NAT64 address"},
		{"64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "a local NAT64 address"},
		{"64:ff9b:2::1", "a reserved address"},
		{"100::1", "a discard address"},
		{"1fff:ffff::1", "a reserved address"},
		{"2001::1", "a Teredo address"},
		{"2001:0:ffff::1", "a Teredo address"},
		{"2001:2::1", "a benchmarking address"},
		{"2001:20::1", "a reserved address"},
		{"2001:1ff::1", "a reserved address"},
		{"2001:200::1", ""},
		{"2001:db8::1", "a documentation address"},
		{"2001:db9::1", ""},
		{"2002:7f00:1::", "a 6to4 address"},
		{"2003::1", ""},
		{"2606:2800:220:1::1", ""},
		{"3fff::1", "a documentation address"},
		{"3fff:1000::1", ""},
		{"4000::1", "a reserved address"},
		{"5f00::1", "a reserved address"},
		{"fc00::1", "a private address"},
		{"fd12:3456::1", "a private address"},
		{"fe80::1", "a link-local address"},
		{"fe80::1%eth0", "a link-local address"},
		{"fec0::1", "a site-local address"},
		{"ff02::1", "a multicast address"},
	}
	g := New(Config{})
	for _, tt := range tests {
		t.Run(tt.addr, func(t *testing.T) {
			err := g.CheckAddr(netip.MustParseAddr(tt.addr))
			if tt.kind == "" {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			refused, ok := errors.AsType[*RefusedError](err)
			if !ok {
				t.Fatalf("got %v, want a RefusedError", err)
			}
			if !strings.Contains(refused.Reason, " is "+tt.kind+"; allow it with network.allow_private") {
				t.Errorf("reason %q, want %q in it", refused.Reason, tt.kind)
			}
		})
	}
}

func TestCheckAddrAllowed(t *testing.T) {
	g := New(Config{AllowPrivate: []netip.Prefix{
		netip.MustParsePrefix("10.1.0.0/16"),
		netip.MustParsePrefix("fd00::/8"),
		netip.MustParsePrefix("::ffff:192.168.7.0/120"),
	}})
	for addr, allowed := range map[string]bool{
		"10.1.2.3":            true,
		"::ffff:10.1.2.3":     true,
		"10.2.0.0":            false,
		"fd00::1":             true,
		"fd00::1%eth0":        true,
		"fc00::1":             false,
		"192.168.7.9":         true,
		"192.168.8.1":         false,
		"127.0.0.1":           false,
		"64:ff9b::10.1.2.3":   false, // what is allowed inside IPv4 is not allowed through a gateway
		"2002:a01:203::1":     false,
		"::ffff:0:10.1.2.3":   false,
		"2001:0:a01:203::fed": false,
	} {
		if err := g.CheckAddr(netip.MustParseAddr(addr)); (err == nil) != allowed {
			t.Errorf("%s: %v, want allowed = %v", addr, err, allowed)
		}
	}
	if err := g.CheckAddr(netip.Addr{}); err == nil {
		t.Error("the zero address is allowed")
	}
}
