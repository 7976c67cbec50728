// Package netguard keeps crier's outgoing requests away from places a stranger must not make it visit.
//
// Most addresses that crier contacts were written by strangers: actors, inboxes, key ids, links, pictures,
// redirects. A Guard knows which ranges may be contacted; a Transport made from it is the only
// http.RoundTripper that the rest of crier uses for the network.
//
// Invariants:
//   - Every request's address is checked when the Transport is handed it, so every redirect hop is, too.
//   - Every address is checked again at the moment it is dialled, after name resolution and before the first
//     packet. What is checked is what is connected to: a name that changes its answer in between (DNS
//     rebinding) gains nothing.
//   - No proxy is ever used, since the check would see the proxy's address in place of the target's.
//   - An exception belongs to one Transport. Connections are not shared between Transports, so what one may
//     reach never leaks to another.
//
// It must not read bodies, follow redirects, retry, log, or know anything of ActivityPub or feeds: body size,
// overall deadline and number of redirects are the caller's.
package netguard
