package federation

import (
	"crypto/ed25519"
	"crypto/rsa"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"crier/content"
	"crier/store"
)

// Config is everything the package needs from outside. All fields are required unless they say otherwise.
type Config struct {
	Store     *store.DB
	Key       *rsa.PrivateKey
	Ed25519   ed25519.PublicKey // a further key of the account, shown in the actor; nil: none
	Log       *slog.Logger
	Transport http.RoundTripper // for every outbound request; guards against addresses that must not be contacted

	// OwnTransport may reach our own address as well: it is for Lookup, the owner's own question. nil: Transport.
	OwnTransport http.RoundTripper

	BaseURL   string // "https://fedi.example.com"
	Handle    string // "user@example.com", lower case
	Profile   Profile
	Presence  store.Presence           // as it is stored
	Aliases   map[string]string        // further WebFinger names: "self" or the id of an actor elsewhere
	Feeds     map[string]content.Style // by the feed's address
	Version   string
	AllowHTTP bool // plain-http peers, for tests

	// SecureMode shows posts, activities and collections only to who signs the request. Actor, key and discovery stay
	// readable by everybody.
	SecureMode bool

	// Patience is how long a new entry waits, once it is due, for somebody to have looked at its page and its
	// pictures (store.PutExtras). 0: nobody does, so it does not wait.
	Patience time.Duration

	// Lease is how long a delivery that was under way when the process died is left alone by the next one.
	// 0 means two minutes; it must be longer than a post may take.
	Lease time.Duration
}

// Profile is what the actor shows of its owner.
type Profile struct {
	Name               string
	Summary            string // HTML
	Avatar, Header     Picture
	Fields             []Field
	AlsoKnownAs        []string // other accounts of the owner: actor ids, or handles that are looked up
	AttributionDomains []string // hosts that may name this account as author of a page
	Published          time.Time
	ManuallyApproves   bool
	HideFollowers      bool

	movedTo     string // id of the actor that the account moved to, as the store says
	movedHandle string // its handle
	handleMoved bool   // WebFinger leads from this account's handle to that actor
}

// Picture is an image at an address; the zero value is none.
type Picture struct{ URL, Type string }

// Field is one row of the profile's table; Value is HTML.
type Field struct{ Name, Value string }

// Server is one account on the fediverse. New wires it and starts nothing; it is safe for concurrent use.
type Server struct {
	ids    IDs
	user   string // of the handle
	domain string // of the handle
	db     *store.DB
	log    *slog.Logger
	cfg    Config

	client   *client
	asking   *client // for Lookup, may ask ourselves
	resolver *resolver
	work     workload
	noted    *budget      // activities that only go into the log, by host
	proved   *budget      // activities whose signature holds, by host
	crowds   *subdomains  // hosts that bring new followers, by domain
	reacted  *budget      // reactions, by host
	handles  *handles     // that the owner wants to see
	warned   atomic.Int64 // Unix seconds of the last warnOfProxy

	publishing *publishing
	sending    *sending
	docs       *documents // prepared answers
	living     living     // and those about the actor
	byHand     sync.Mutex // held while something that the owner does by hand is decided and stored

	publish chan struct{} // one slot: wakes the publisher
	deliver chan struct{} // one slot: wakes the deliverer
	moving  moving
}

// New returns the account described by c.
func New(c Config) *Server {
	user, domain, _ := strings.Cut(c.Handle, "@")
	ids := NewIDs(c.BaseURL, user)
	s := &Server{
		ids: ids, user: user, domain: domain,
		db: c.Store, log: c.Log, cfg: c,
		publish: make(chan struct{}, 1),
		deliver: make(chan struct{}, 1),
		moving:  moving{wake: make(chan struct{}, 1)},

		noted:      newBudget(notedMost, time.Minute),
		proved:     newBudget(provedMost, provedWindow),
		crowds:     newSubdomains(newHostsMost),
		reacted:    newBudget(reactedMost, time.Minute),
		handles:    newHandles(),
		publishing: newPublishing(),
		sending:    newSending(c.Lease),
	}
	s.client = newClient(ids, c)
	s.client.sync = s.syncHeader
	s.asking = newClient(ids, c)
	s.asking.knocks = s.client.knocks
	s.asking.toSelf = true
	if c.OwnTransport != nil {
		s.asking.http.Transport = c.OwnTransport
	}
	s.resolver = newResolver(s.client, c.Store)
	s.docs = s.makeDocuments()
	s.living.now.Store(s.makePerson(c.Presence))
	return s
}

// WakePublisher makes RunPublisher look for entries that are due; it never blocks.
func (s *Server) WakePublisher() { wake(s.publish) }

// WakeDeliverer makes RunDeliverer look for deliveries that are due; it never blocks.
func (s *Server) WakeDeliverer() { wake(s.deliver) }

func wake(slot chan struct{}) {
	select {
	case slot <- struct{}{}:
	default:
	}
}
