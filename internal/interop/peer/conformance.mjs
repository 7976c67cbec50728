// Runs the package activitypub-testing against an actor, and those of its tests that are about any object against
// a post as well. Writes [{"of": "actor" or "post", "slug", "outcome", "info"}…] to standard output.
//
// usage: node conformance.mjs ACTOR POST
import { ActorUrlTestRun } from "activitypub-testing/test-actor";
import { activityPubTestCases } from "activitypub-testing/test-cases";

const [actor, post] = process.argv.slice(2);
const results = [];
const add = (of, slug, { outcome, info }) => results.push({ of, slug, outcome, info: info ?? "" });

const quiet = Object.assign(Object.create(console), { debug() {}, warn() {} });
for await (const { test, result } of new ActorUrlTestRun(new URL(actor), { console: quiet })) {
  add("actor", test.slug, result);
}

const response = await fetch(post, { headers: { accept: "application/activity+json" } });
const object = await response.text();
const ofPost = {
  "actor-must-serve-as2-object-to-get": { id: post, time: "T10S" },
  "likes-collection-must-be-a-collection": { object },
  "shares-collection-must-be-a-collection": { object },
};
for (const [slug, input] of Object.entries(ofPost)) add("post", slug, await activityPubTestCases.select({ slug }).run(input));
process.stdout.write(JSON.stringify(results));
