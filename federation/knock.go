package federation

import (
	"log/slog"
	"net/http"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"crier/store"
)

// deafFor is how long a host that refused both ways of signing is asked in one way only: mostly it does not
// like us, not our signature. It ends before the last try of a delivery that was denied.
const deafFor = 20 * time.Minute

// knocker knows how hosts want requests signed. Everybody is asked in the old way first, because that is
// what every server understands and because Misskey answers another with half an actor (mastodon #39756), not with a
// refusal. Who refuses it is asked once more in the new way, and if that is taken, it is remembered. It is
// safe for concurrent use.
type knocker struct {
	db   *store.DB
	log  *slog.Logger
	know *lru.Cache[string, scheme]    // by host; what is not here is in the store
	deaf *lru.Cache[string, time.Time] // by host: until when there is no second knock
}

func newKnocker(db *store.DB, log *slog.Logger) *knocker {
	return &knocker{db: db, log: log, know: newCache[scheme](), deaf: newCache[time.Time]()}
}

// scheme returns how requests to a host are signed at first.
func (k *knocker) scheme(host string) scheme {
	if s, ok := k.know.Get(host); ok {
		return s
	}
	stored, err := k.db.Signing(host)
	if err != nil {
		k.log.Warn("cannot read how a host wants requests signed", "host", host, "err", err)
		return schemeCavage
	}
	s := schemeCavage
	if scheme(stored.Scheme) == schemeRFC9421 {
		s = schemeRFC9421
	}
	k.know.Add(host, s)
	return s
}

// learn remembers what a host has taken after it refused the other. A store that cannot be written costs a
// second request after the next start.
func (k *knocker) learn(host string, s scheme, now time.Time) {
	k.know.Add(host, s)
	k.deaf.Remove(host)
	if err := k.db.RememberSigning(host, store.Signing{Scheme: string(s), Since: now.UTC()}); err != nil {
		k.log.Warn("cannot store how a host wants requests signed", "host", host, "err", err)
	}
}

// mayKnockAgain reports whether a second request is worth it.
func (k *knocker) mayKnockAgain(host string, now time.Time) bool {
	until, deaf := k.deaf.Get(host)
	return host != "" && (!deaf || !now.Before(until))
}

// knock makes a request to a host by send, which signs as it is told and says which status was answered (0:
// none). It does so once, and once more in the other way where the signature may be why the first was
// refused. A second request is never made in doubt: only a refusal was answered to the first, so nothing
// was taken, and it carries the same activity. What comes of the second counts, unless that is refused as well: a
// host that is too busy for it has not said that the activity is no good.
func knock[T any](k *knocker, host string, send func(scheme) (T, int, error)) (T, error) {
	first := k.scheme(host)
	got, status, err := send(first)
	if !refusesSignature(status) || !k.mayKnockAgain(host, time.Now()) {
		return got, err
	}
	again, status, againErr := send(first.other())
	switch {
	case tookSignature(status):
		k.learn(host, first.other(), time.Now())
		return again, againErr
	case refusesSignature(status):
		k.deaf.Add(host, time.Now().Add(deafFor))
	case status != http.StatusForbidden:
		return again, againErr
	}
	return got, err
}

// refusesSignature reports whether a status can mean that a signature was not understood: 401, and 400 of
// those that take what they do not know for a malformed one (Akkoma 2025.10, Mastodon).
func refusesSignature(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusBadRequest
}

// tookSignature reports whether a status shows that the signature was not the matter.
func tookSignature(status int) bool {
	return status >= 200 && status <= 399 || status == http.StatusNotFound || status == http.StatusGone
}
