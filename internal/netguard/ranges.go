package netguard

import "net/netip"

// addrRange is a block that is not the public internet, and how an error calls an address in it.
type addrRange struct {
	prefix netip.Prefix
	kind   string
}

// closedRanges lists what a stranger may not make us contact: the IANA special-purpose registries (RFC 6890
// and its updates) without the few blocks that are globally reachable, plus transition mechanisms, whose
// addresses carry an arbitrary IPv4 address inside. More special blocks come first, since the first that
// matches gives the name.
func closedRanges() []addrRange {
	list := [][2]string{
		{"0.0.0.0/32", "the unspecified address"},
		{"0.0.0.0/8", "an address of this network"},     // RFC 791; Linux connects 0.0.0.0 to itself
		{"10.0.0.0/8", "a private address"},             // RFC 1918
		{"100.64.0.0/10", "a shared address"},           // RFC 6598, carrier-grade NAT
		{"127.0.0.0/8", "a loopback address"},           // RFC 1122
		{"168.63.129.16/32", "a cloud host's address"},  // Azure: the host speaks to its guests there
		{"169.254.0.0/16", "a link-local address"},      // RFC 3927; cloud metadata lives here
		{"172.16.0.0/12", "a private address"},          // RFC 1918
		{"192.0.0.0/24", "a reserved address"},          // RFC 6890, IETF protocol assignments
		{"192.0.2.0/24", "a documentation address"},     // RFC 5737
		{"192.88.99.0/24", "a 6to4 relay address"},      // RFC 7526
		{"192.168.0.0/16", "a private address"},         // RFC 1918
		{"198.18.0.0/15", "a benchmarking address"},     // RFC 2544
		{"198.51.100.0/24", "a documentation address"},  // RFC 5737
		{"203.0.113.0/24", "a documentation address"},   // RFC 5737
		{"224.0.0.0/4", "a multicast address"},          // RFC 5771
		{"255.255.255.255/32", "the broadcast address"}, // RFC 919
		{"240.0.0.0/4", "a reserved address"},           // RFC 1112
		{"::/128", "the unspecified address"},           // RFC 4291
		{"::1/128", "a loopback address"},               // RFC 4291
		{"64:ff9b:1::/48", "a local NAT64 address"},     // RFC 8215; where the IPv4 address stands is not said
		{"100::/64", "a discard address"},               // RFC 6666
		{"2001::/32", "a Teredo address"},               // RFC 4380
		{"2001:2::/48", "a benchmarking address"},       // RFC 5180
		{"2001::/23", "a reserved address"},             // RFC 2928, ORCHID among them
		{"2001:db8::/32", "a documentation address"},    // RFC 3849
		{"2002::/16", "a 6to4 address"},                 // RFC 3056
		{"3fff::/20", "a documentation address"},        // RFC 9637
		{"fc00::/7", "a private address"},               // RFC 4193
		{"fe80::/10", "a link-local address"},           // RFC 4291
		{"fec0::/10", "a site-local address"},           // RFC 3879
		{"ff00::/8", "a multicast address"},             // RFC 4291
	}
	ranges := make([]addrRange, 0, len(list))
	for _, e := range list {
		ranges = append(ranges, addrRange{netip.MustParsePrefix(e[0]), e[1]})
	}
	return ranges
}

// globalUnicast6 is the only part of the IPv6 space that is handed out for the public internet (RFC 4291
// section 2.4, IANA's IPv6 address space registry). What lies outside is refused even where no entry above
// names it, so that a block assigned later is closed until somebody looks at it.
func globalUnicast6() netip.Prefix { return netip.MustParsePrefix("2000::/3") }

// nat64 is the prefix under which a gateway reaches all of IPv4 from a network that has only IPv6 (RFC 6052
// section 2.1). DNS64 gives such addresses to every name that has only IPv4, so they are judged by what is inside.
func nat64() netip.Prefix { return netip.MustParsePrefix("64:ff9b::/96") }

// embedded4 is the IPv4 address in the last four bytes of an IPv6 address.
func embedded4(a netip.Addr) netip.Addr {
	b := a.As16()
	return netip.AddrFrom4([4]byte(b[12:]))
}

// plain gives an address the one form in which prefixes match it: an IPv4 address mapped into IPv6 becomes
// IPv4, a zone is dropped (netip.Prefix.Contains is false for every address with a zone).
func plain(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func contains(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
