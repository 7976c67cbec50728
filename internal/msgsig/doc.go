// Package msgsig reads, verifies and makes HTTP Message Signatures of requests (RFC 9421) and the digests of
// their bodies (Content-Digest, RFC 9530), as far as servers on the fediverse use them: RSA PKCS #1 v1.5 with
// SHA-256, and Ed25519.
//
// It is pure: it gets a request's parts, the time and a key, and knows neither network nor store. Who a key
// belongs to, and whether that is the one who may speak, is for others to find out. The older signatures by
// draft-cavage-http-signatures are no part of it.
//
// A request that is taken has one signature, however many it carries: of the signatures that fulfil the rules
// (see Read) each is whole, never are parts of two put together.
package msgsig
