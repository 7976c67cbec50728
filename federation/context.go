package federation

import (
	"bytes"
	"encoding/json"

	"crier/store"
)

const nsActivityStreams = "https://www.w3.org/ns/activitystreams"

// idTerm is a JSON-LD term whose values are ids.
type idTerm struct {
	ID   string `json:"@id"`
	Type string `json:"@type"`
}

func refTerm(iri string) idTerm { return idTerm{ID: iri, Type: "@id"} }

// nsSecurity is the vocabulary of keys; security/v1 knows the older part of it only.
const nsSecurity = "https://w3id.org/security#"

// actorTerms names the properties of an actor that ActivityStreams itself does not define. No remote
// context is named but the two that every server knows by heart: a peer that expands documents need not
// fetch anything for ours. attributionDomains is no @id, its values are host names (GHSA-rwcw-vq68-g34p).
type actorTerms struct {
	ManuallyApproves   string `json:"manuallyApprovesFollowers"`
	AlsoKnownAs        idTerm `json:"alsoKnownAs"`
	MovedTo            idTerm `json:"movedTo"`
	Toot               string `json:"toot"`
	Featured           idTerm `json:"featured"`
	Discoverable       string `json:"discoverable"`
	Indexable          string `json:"indexable"`
	AttributionDomains string `json:"attributionDomains"`
	Schema             string `json:"schema"`
	PropertyValue      string `json:"PropertyValue"`
	Value              string `json:"value"`
	WebFinger          string `json:"webfinger"`
	AssertionMethod    idTerm `json:"assertionMethod"`
	Multikey           string `json:"Multikey"`
	Controller         idTerm `json:"controller"`
	PublicKeyMultibase idTerm `json:"publicKeyMultibase"`
}

// actorContext is the @context of the actor. Mastodon writes schema.org without a slash, and reads it so.
func actorContext() []any {
	return []any{nsActivityStreams, "https://w3id.org/security/v1", actorTerms{
		ManuallyApproves:   "as:manuallyApprovesFollowers",
		AlsoKnownAs:        refTerm("as:alsoKnownAs"),
		MovedTo:            refTerm("as:movedTo"),
		Toot:               "http://joinmastodon.org/ns#",
		Featured:           refTerm("toot:featured"),
		Discoverable:       "toot:discoverable",
		Indexable:          "toot:indexable",
		AttributionDomains: "toot:attributionDomains",
		Schema:             "http://schema.org#",
		PropertyValue:      "schema:PropertyValue",
		Value:              "schema:value",
		WebFinger:          "https://purl.archive.org/socialweb/webfinger#webfinger",
		AssertionMethod:    refTerm(nsSecurity + "assertionMethod"),
		Multikey:           nsSecurity + "Multikey",
		Controller:         refTerm(nsSecurity + "controller"),
		PublicKeyMultibase: idTerm{ID: nsSecurity + "publicKeyMultibase", Type: nsSecurity + "multibase"},
	}}
}

// postTerms names the properties of a post that ActivityStreams itself does not define; the ones about
// quotes are those of FEP-044f.
type postTerms struct {
	Hashtag           string `json:"Hashtag"`
	Sensitive         string `json:"sensitive"`
	GTS               string `json:"gts"`
	InteractionPolicy idTerm `json:"interactionPolicy"`
	CanQuote          idTerm `json:"canQuote"`
	AutomaticApproval idTerm `json:"automaticApproval"`
	Toot              string `json:"toot"`
	Blurhash          string `json:"blurhash"`
	FocalPoint        struct {
		Container string `json:"@container"`
		ID        string `json:"@id"`
	} `json:"focalPoint"`
	OStatus      string `json:"ostatus,omitempty"`
	Conversation string `json:"conversation,omitempty"`
}

// postContext is the @context of posts, of the activities about them and of the collections that hold
// them.
func postContext() []any { return []any{nsActivityStreams, makePostTerms()} }

// threadContext is the same for what may name the conversation that it belongs to.
func threadContext() []any {
	terms := makePostTerms()
	terms.OStatus, terms.Conversation = "http://ostatus.org#", "ostatus:conversation"
	return []any{nsActivityStreams, terms}
}

// contextOf is the context for an activity that embeds a post.
func contextOf(post store.Post) []any {
	if n, err := noteOf(post); err == nil && n.Conversation != "" {
		return threadContext()
	}
	return postContext()
}

func makePostTerms() postTerms {
	terms := postTerms{
		Hashtag:           "as:Hashtag",
		Sensitive:         "as:sensitive",
		GTS:               "https://gotosocial.org/ns#",
		InteractionPolicy: refTerm("gts:interactionPolicy"),
		CanQuote:          refTerm("gts:canQuote"),
		AutomaticApproval: refTerm("gts:automaticApproval"),
		Toot:              "http://joinmastodon.org/ns#",
		Blurhash:          "toot:blurhash",
	}
	terms.FocalPoint.Container, terms.FocalPoint.ID = "@list", "toot:focalPoint"
	return terms
}

// quoteTerms names what FEP-044f says about quotes.
type quoteTerms struct {
	QuoteRequest       string `json:"QuoteRequest"`
	QuoteAuthorization string `json:"QuoteAuthorization"`
	GTS                string `json:"gts"`
	InteractingObject  idTerm `json:"interactingObject"`
	InteractionTarget  idTerm `json:"interactionTarget"`
}

// quoteContext is the @context of answers to the wish to quote, and of authorizations.
func quoteContext() []any {
	return []any{nsActivityStreams, quoteTerms{
		QuoteRequest:       "https://w3id.org/fep/044f#QuoteRequest",
		QuoteAuthorization: "https://w3id.org/fep/044f#QuoteAuthorization",
		GTS:                "https://gotosocial.org/ns#",
		InteractingObject:  refTerm("gts:interactingObject"),
		InteractionTarget:  refTerm("gts:interactionTarget"),
	}}
}

// withoutContext returns a JSON object less an @context that comes first in it, as a document has to be
// when it is embedded in another that states the same context. All other bytes stay as they are; what is
// no such object is returned unchanged.
func withoutContext(object []byte) json.RawMessage {
	d := json.NewDecoder(bytes.NewReader(object))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return object
	}
	if t, err := d.Token(); err != nil || t != "@context" {
		return object
	}
	var context json.RawMessage
	if d.Decode(&context) != nil {
		return object
	}
	rest := bytes.TrimLeft(object[d.InputOffset():], " \t\r\n")
	return append([]byte("{"), bytes.TrimPrefix(rest, []byte(","))...)
}
