package federation

import (
	"encoding/json"
)

// actorObject is the account as other servers see it. Nothing may be added lightly: every large server
// refuses the whole actor for one property that it dislikes.
type actorObject struct {
	Context           []any           `json:"@context"`
	ID                string          `json:"id"`
	Type              string          `json:"type"`
	PreferredUsername string          `json:"preferredUsername"`
	WebFinger         string          `json:"webfinger"` // FEP-2c59
	Name              string          `json:"name"`
	Summary           string          `json:"summary"` // Pixelfed wants it even where it is empty
	URL               string          `json:"url"`
	Inbox             string          `json:"inbox"`
	Outbox            string          `json:"outbox"`
	Followers         string          `json:"followers"`
	Following         string          `json:"following"`
	Featured          string          `json:"featured"`
	Endpoints         actorEndpoints  `json:"endpoints"`
	PublicKey         actorKey        `json:"publicKey"`                 // one object, not a list: Misskey 2025.11
	AssertionMethod   []actorMultikey `json:"assertionMethod,omitempty"` // further keys, FEP-521a
	ManuallyApproves  bool            `json:"manuallyApprovesFollowers"`
	Discoverable      bool            `json:"discoverable"`
	Indexable         bool            `json:"indexable"` // FEP-5feb
	Published         string          `json:"published,omitempty"`
	Icon              *actorPicture   `json:"icon,omitempty"`
	Image             *actorPicture   `json:"image,omitempty"`
	Attachment        []propertyValue `json:"attachment"`
	AlsoKnownAs       []string        `json:"alsoKnownAs,omitempty"` // a list even of one: Misskey
	MovedTo           string          `json:"movedTo,omitempty"`
	AttributionDomain []string        `json:"attributionDomains,omitempty"`
}

type actorEndpoints struct {
	SharedInbox string `json:"sharedInbox"`
}

type actorKey struct {
	ID           string `json:"id"`
	Owner        string `json:"owner"`
	PublicKeyPEM string `json:"publicKeyPem"`
}

// actorMultikey is a key by FEP-521a. Mastodon 4.7 and Fedify read it.
type actorMultikey struct {
	ID         string `json:"id"`
	Type       string `json:"type"`
	Controller string `json:"controller"`
	Multibase  string `json:"publicKeyMultibase"`
}

type actorPicture struct {
	Type      string `json:"type"`
	MediaType string `json:"mediaType,omitempty"`
	URL       string `json:"url"`
}

type propertyValue struct {
	Type  string `json:"type"`
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Actor returns the account's actor document exactly as it is served. The caller must not change it.
func (s *Server) Actor() json.RawMessage { return s.person().actor.body }

// makeActor encodes the actor. Its url is on our own host and never the blog's: Mastodon (to 4.7) drops
// one on another host, and Misskey 2025.11 then refuses every update of the actor.
func (s *Server) makeActor(p Profile) []byte {
	a := actorObject{
		Context: actorContext(), ID: s.ids.Actor(), Type: "Person",
		PreferredUsername: s.user, WebFinger: s.nameOf(p), Name: firstOf(p.Name, s.user), Summary: p.Summary,
		URL: s.ids.Actor(), Inbox: s.ids.Inbox(), Outbox: s.ids.Outbox(),
		Followers: s.ids.Followers(), Following: s.ids.Following(), Featured: s.ids.Featured(),
		Endpoints:        actorEndpoints{SharedInbox: s.ids.SharedInbox()},
		PublicKey:        actorKey{ID: s.ids.Key(), Owner: s.ids.Actor(), PublicKeyPEM: publicKeyPEM(&s.cfg.Key.PublicKey)},
		ManuallyApproves: p.ManuallyApproves, Discoverable: true, Indexable: true,
		Published: stamp(p.Published), Icon: actorPictureOf(p.Avatar), Image: actorPictureOf(p.Header),
		Attachment: []propertyValue{}, AlsoKnownAs: p.AlsoKnownAs, MovedTo: p.movedTo, AttributionDomain: p.AttributionDomains,
	}
	if s.cfg.Ed25519 != nil {
		a.AssertionMethod = []actorMultikey{{
			ID: s.ids.Ed25519Key(), Type: "Multikey", Controller: s.ids.Actor(), Multibase: multikey(s.cfg.Ed25519),
		}}
	}
	for _, f := range p.Fields {
		a.Attachment = append(a.Attachment, propertyValue{Type: "PropertyValue", Name: f.Name, Value: f.Value})
	}
	return mustEncode(a)
}

func actorPictureOf(p Picture) *actorPicture {
	if p.URL == "" {
		return nil
	}
	return &actorPicture{Type: "Image", MediaType: p.Type, URL: p.URL}
}
