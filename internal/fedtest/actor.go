package fedtest

import (
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	typeActivity = "application/activity+json"
	typeLD       = `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`
	typeJRD      = "application/jrd+json"

	public = "https://www.w3.org/ns/activitystreams#Public"

	// instanceName is the actor that signs fetches. It is always readable unsigned, which keeps two servers
	// in secure mode from waiting for each other (Mastodon does it the same way).
	instanceName = ""
)

// ActorOptions say in what an actor differs from the usual.
type ActorOptions struct {
	Locked        bool // a Follow waits for Approve or Reject
	NoSharedInbox bool // endpoints.sharedInbox is left out
	KeyDocument   bool // the key is a document of its own, …/main-key, as on GoToSocial
	Ed25519       bool // it has an Ed25519 key as well, …#ed25519-key, as on Fedify
}

// Actor is what a test needs to know of a local actor.
type Actor struct {
	Name, ID, KeyID, Inbox, Followers string
	Key                               *rsa.PrivateKey
	Ed25519                           ed25519.PrivateKey // nil: none
}

type actor struct {
	Actor
	opts      ActorOptions
	gone      bool
	moved     time.Time          // when it moved away; zero: never
	extra     map[string]any     // properties that SetProperty put in
	follows   map[string]*Follow // by the id of who is followed
	followers map[string]bool    // ids
	requests  map[string]bool    // ids of who asked to follow and waits for approval
	asked     map[string]string  // id of the Follow, by the id of who follows or asked to
	blocks    map[string]string  // id of the Block, by the id of who is blocked
	blockedBy map[string]bool    // ids
	timeline  []shown            // oldest first
	outbox    []map[string]any   // Creates, oldest first
}

func (s *Server) newActor(name string, o ActorOptions) *actor {
	id := s.base + "/users/" + name
	if name == instanceName {
		id = s.base + "/actor"
	}
	a := &actor{opts: o, extra: map[string]any{}, follows: map[string]*Follow{}, followers: map[string]bool{},
		requests: map[string]bool{}, asked: map[string]string{}, blocks: map[string]string{}, blockedBy: map[string]bool{}}
	a.Actor = Actor{Name: name, ID: id, KeyID: id + "#main-key", Inbox: id + "/inbox", Followers: id + "/followers", Key: s.keys.Key(id)}
	if o.KeyDocument {
		a.KeyID = id + "/main-key"
	}
	if o.Ed25519 {
		a.Ed25519 = edKey(id)
	}
	return a
}

// AddActor adds a local actor and returns what there is to know of it.
func (s *Server) AddActor(name string) Actor { return s.AddActorWith(name, ActorOptions{}) }

// AddActorWith adds a local actor that differs from the usual. One of the same name is replaced.
func (s *Server) AddActorWith(name string, o ActorOptions) Actor {
	a := s.newActor(name, o)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.actors[name] = a
	s.touch()
	return a.Actor
}

// SetProperty puts a property into the actor's document ("movedTo", "alsoKnownAs"); nil takes it out.
func (s *Server) SetProperty(user, name string, value any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.actors[user]
	if a == nil {
		return
	}
	a.extra[name] = value
	if value == nil {
		delete(a.extra, name)
	}
	s.touch()
}

// RotateKey gives the actor another key under the same key id.
func (s *Server) RotateKey(user string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.actors[user]; a != nil {
		a.Key = s.keys.Key(fmt.Sprintf("%s rotated %d", a.ID, s.serial))
		if a.Ed25519 != nil {
			a.Ed25519 = edKey(fmt.Sprintf("%s rotated %d", a.ID, s.serial))
		}
		s.serial++
		s.touch()
	}
}

// Actor returns the local actor of that name.
func (s *Server) Actor(user string) (Actor, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.actors[user]; a != nil && !a.gone {
		return a.Actor, true
	}
	return Actor{}, false
}

// local is Actor with an error that says what is wrong.
func (s *Server) local(user string) (Actor, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.actors[user]
	if a == nil {
		return Actor{}, fmt.Errorf("no actor %q on %s", user, s.base)
	}
	return a.Actor, nil // a gone one still signs its own Delete
}

// document returns the actor as JSON, and whether it is gone.
func (s *Server) document(name string) (doc map[string]any, gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.actors[name]
	if a == nil {
		return nil, false
	}
	doc = map[string]any{
		"@context": []any{"https://www.w3.org/ns/activitystreams", "https://w3id.org/security/v1"},
		"id":       a.ID, "type": "Person", "preferredUsername": a.Name, "name": strings.ToUpper(a.Name[:min(1, len(a.Name))]) + a.Name[min(1, len(a.Name)):],
		"inbox": a.Inbox, "outbox": a.ID + "/outbox", "followers": a.Followers, "following": a.ID + "/following",
		"url": s.base + "/@" + a.Name, "summary": "", "manuallyApprovesFollowers": a.opts.Locked,
		"published": s.now().Add(-400 * 24 * time.Hour).UTC().Format(time.RFC3339),
		"publicKey": map[string]any{"id": a.KeyID, "owner": a.ID, "publicKeyPem": publicPEM(a.Key)},
	}
	if !a.opts.NoSharedInbox {
		doc["endpoints"] = map[string]any{"sharedInbox": s.base + "/inbox"}
	}
	if a.Ed25519 != nil {
		doc["assertionMethod"] = []any{map[string]any{
			"id": a.ID + "#ed25519-key", "type": "Multikey", "controller": a.ID, "publicKeyMultibase": multikeyOf(a.Ed25519),
		}}
	}
	if name == instanceName {
		doc["type"], doc["preferredUsername"], doc["name"] = "Application", s.host, s.host
	}
	maps.Copy(doc, a.extra)
	return doc, a.gone
}

func (s *Server) serveInstance(w http.ResponseWriter, _ *http.Request) {
	doc, _ := s.document(instanceName)
	writeJSON(w, typeActivity+"; charset=utf-8", http.StatusOK, doc)
}

func (s *Server) serveActor(w http.ResponseWriter, r *http.Request) {
	doc, gone := s.document(r.PathValue("name"))
	switch {
	case doc == nil:
		http.NotFound(w, r)
	case gone:
		w.WriteHeader(http.StatusGone)
	default:
		s.negotiate(w, r, doc)
	}
}

// negotiate answers with the document only to who asks for ActivityPub, as Mastodon does; all others get a page.
func (s *Server) negotiate(w http.ResponseWriter, r *http.Request, doc any) {
	w.Header().Set("Vary", "Accept, Signature")
	accept := strings.Join(r.Header.Values("Accept"), ",")
	if strings.Contains(accept, typeActivity) || strings.Contains(accept, "application/ld+json") {
		writeJSON(w, typeActivity+"; charset=utf-8", http.StatusOK, doc)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, "<!doctype html><title>a page for people</title>\n")
}

// serveKey answers with the stub that GoToSocial serves unsigned even in secure mode.
func (s *Server) serveKey(w http.ResponseWriter, r *http.Request) {
	doc, gone := s.document(r.PathValue("name"))
	if gone {
		w.WriteHeader(http.StatusGone)
		return
	}
	key, _ := doc["publicKey"].(map[string]any)
	if key == nil || !strings.HasSuffix(key["id"].(string), "/main-key") {
		http.NotFound(w, r)
		return
	}
	writeJSON(w, typeActivity, http.StatusOK, map[string]any{
		"@context": doc["@context"], "id": doc["id"], "type": doc["type"],
		"preferredUsername": doc["preferredUsername"], "publicKey": key,
	})
}

func (s *Server) serveCollection(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	a := s.actors[r.PathValue("name")]
	var items []any
	if a != nil {
		items = a.items(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])
	}
	s.mu.Unlock()
	if a == nil {
		http.NotFound(w, r)
		return
	}
	s.negotiate(w, r, map[string]any{
		"@context": "https://www.w3.org/ns/activitystreams", "id": s.base + r.URL.Path,
		"type": "OrderedCollection", "totalItems": len(items), "orderedItems": items,
	})
}

// items lists a collection of the actor. The server's lock must be held.
func (a *actor) items(kind string) []any {
	items := []any{}
	switch kind {
	case "followers":
		for _, id := range slices.Sorted(maps.Keys(a.followers)) {
			items = append(items, id)
		}
	case "following":
		for _, id := range slices.Sorted(maps.Keys(a.follows)) {
			if a.follows[id].Accepted {
				items = append(items, id)
			}
		}
	case "outbox":
		for _, c := range slices.Backward(a.outbox) {
			items = append(items, c)
		}
	}
	return items
}

// serveWebFinger answers for user@host, user@host-of-base and the actor's id (RFC 7033 §4). Asked at the
// host of the handles where that is another, it redirects, as Mastodon's WEB_DOMAIN set-up does.
func (s *Server) serveWebFinger(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	if !strings.EqualFold(r.Host, s.bind) && strings.EqualFold(r.Host, s.host) {
		http.Redirect(w, r, s.base+r.URL.RequestURI(), http.StatusMovedPermanently)
		return
	}
	resource := r.URL.Query().Get("resource")
	if resource == "" {
		http.Error(w, "the parameter resource is missing", http.StatusBadRequest)
		return
	}
	name, ok := s.resourceName(resource)
	doc, gone := s.document(name)
	switch {
	case !ok || doc == nil:
		http.NotFound(w, r)
		return
	case gone:
		w.WriteHeader(http.StatusGone)
		return
	}
	id := doc["id"].(string)
	writeJSON(w, typeJRD, http.StatusOK, map[string]any{
		"subject": "acct:" + doc["preferredUsername"].(string) + "@" + s.host,
		"aliases": []string{id, s.base + "/@" + name},
		"links": []map[string]string{
			{"rel": "http://webfinger.net/rel/profile-page", "type": "text/html", "href": s.base + "/@" + name},
			{"rel": "self", "type": typeActivity, "href": id},
		},
	})
}

// resourceName finds the local name behind a WebFinger resource.
func (s *Server) resourceName(resource string) (string, bool) {
	if name, ok := strings.CutPrefix(resource, s.base+"/users/"); ok {
		return name, name != ""
	}
	if resource == s.base+"/actor" {
		return instanceName, true
	}
	if u, err := url.Parse(resource); err == nil && u.Scheme != "acct" && u.Scheme != "" && strings.Contains(resource, "//") {
		return "", false
	}
	user, host, ok := splitHandle(resource)
	if !ok || !strings.EqualFold(host, s.host) && !strings.EqualFold(host, s.bind) {
		return "", false
	}
	if strings.EqualFold(user, s.host) {
		return instanceName, true
	}
	return strings.ToLower(user), user != ""
}

// splitHandle splits "user@host", with or without "acct:" or "@" in front.
func splitHandle(handle string) (user, host string, ok bool) {
	handle = strings.TrimPrefix(strings.TrimPrefix(handle, "acct:"), "@")
	i := strings.LastIndexByte(handle, '@')
	if i <= 0 || i == len(handle)-1 || strings.Contains(handle[:i], "@") {
		return "", "", false
	}
	return handle[:i], handle[i+1:], true
}
