// A server on Fedify, an ActivityPub implementation that shares nothing with crier, with the people alice and anna.
// Their handles are of another host than their addresses, and it shows itself only to those who sign, which Fedify
// judges. It listens for TLS, and on a second port for the test, which drives it over POST /control/…; see below.
//
// environment: TLS_CERT, TLS_KEY (files) · HANDLE_HOST, WEB_HOST · HOSTS (see names.mjs) · FIRST_KNOCK: the kind of
// signature that it tries first · ONLY=rfc9421 or cavage: it refuses requests signed the other way with 401.
//
// usage: node fedify.mjs  (prints the address of the test's port and the number of the TLS port when it listens)
import "./names.mjs";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createTLSServer } from "node:https";
import { once } from "node:events";
import { createFederation, generateCryptoKeyPair, MemoryKvStore } from "@fedify/fedify";
import {
  Accept, Announce, Block, Create, Delete, Endpoints, Flag, Follow, Like, Mention, Move, Note, Person, PUBLIC_COLLECTION,
  Reject, Tombstone, Undo, Update, isActor,
} from "@fedify/fedify/vocab";
import { Temporal } from "@js-temporal/polyfill";
import { name } from "./names.mjs";

const { TLS_CERT, TLS_KEY, HANDLE_HOST, WEB_HOST, FIRST_KNOCK, ONLY } = process.env;
const origin = `https://${WEB_HOST}`;
const kind = (headers) => headers.has("signature-input") ? "rfc9421" : headers.has("signature") ? "cavage" : "unsigned";

// Every post that Fedify makes, by the kind of its signature and what became of it, and every request that comes.
const sent = [];
const received = [];
const send = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const request = new Request(input, init);
  const response = await send(request);
  if (request.method === "POST") sent.push(`${kind(request.headers)} ${response.status}`);
  return response;
};

const keys = new Map();
const people = new Map([["alice", { name: "Alice" }], ["anna", { name: "Anna" }]]);
const notes = new Map();
const arrived = [];
const changed = new EventTarget();

const federation = createFederation({
  kv: new MemoryKvStore(),
  allowPrivateAddress: true,
  origin: { handleHost: HANDLE_HOST, webOrigin: origin },
  firstKnock: FIRST_KNOCK,
});
const signedOnly = async (ctx) => (await ctx.getSignedKeyOwner()) != null;

// Fedify itself makes keys of 4096 bits, which takes seconds.
const rsaKeyPair = () => crypto.subtle.generateKey(
  { name: "RSASSA-PKCS1-v1_5", modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: "SHA-256" },
  true, ["sign", "verify"],
);

async function personOf(ctx, identifier) {
  const person = people.get(identifier);
  if (!person) return null;
  const id = ctx.getActorUri(identifier);
  if (person.gone) return new Tombstone({ id });
  const pairs = await ctx.getActorKeyPairs(identifier);
  return new Person({
    id,
    preferredUsername: identifier,
    name: person.name,
    inbox: ctx.getInboxUri(identifier),
    endpoints: new Endpoints({ sharedInbox: ctx.getInboxUri() }),
    publicKey: pairs[0].cryptographicKey,
    assertionMethods: pairs.map((pair) => pair.multikey),
    aliases: (person.aliases ?? []).map((alias) => new URL(alias)),
    successor: person.successor ? new URL(person.successor) : null,
  });
}

federation
  .setActorDispatcher("/users/{identifier}", personOf)
  .setKeyPairsDispatcher(async (_, identifier) => {
    if (!keys.has(identifier)) {
      keys.set(identifier, [await rsaKeyPair(), await generateCryptoKeyPair("Ed25519")]);
    }
    return keys.get(identifier);
  })
  .authorize(signedOnly);

federation
  .setObjectDispatcher(Note, "/notes/{id}", (_, { id }) => notes.get(id) ?? null)
  .authorize(signedOnly);

const text = (value) => value?.toString() ?? null;

async function arrive(ctx, activity) {
  // Only of posts: Fedify believes an embedded object only on its own host, and a Follow would be fetched.
  const told = [Create, Update, Delete].some((type) => activity instanceof type);
  const object = told ? await activity.getObject(ctx) : null;
  arrived.push({
    type: activity.constructor.name,
    id: text(activity.id),
    actor: text(activity.actorId),
    object: text(activity.objectId ?? object?.id),
    objectType: object?.constructor.name ?? null,
    content: text(object?.content),
    url: object?.url?.href ?? null,
    published: text(object?.published),
    updated: text(object?.updated),
  });
  changed.dispatchEvent(new Event("arrived"));
}
const listeners = federation.setInboxListeners("/users/{identifier}/inbox", "/inbox");
listeners.onError((_, error) => console.error(error));
for (const type of [Accept, Reject, Create, Update, Delete, Undo]) listeners.on(type, arrive);

// What a person of this server may do, as an activity; object is what it is done to.
let serial = 0;
const by = (ctx, person, more) => ({
  id: new URL(`/activities/${++serial}`, origin), actor: ctx.getActorUri(person), ...more,
});
function reply(ctx, person, { object, author, content }) {
  const id = `${++serial}`;
  notes.set(id, new Note({
    id: ctx.getObjectUri(Note, { id }),
    attribution: ctx.getActorUri(person),
    content, replyTarget: new URL(object),
    tos: [PUBLIC_COLLECTION], ccs: [new URL(author)],
    tags: [new Mention({ href: new URL(author), name: "@user" })],
    published: Temporal.Now.instant(),
    url: new URL(`/@${person}/${id}`, origin),
  }));
  return notes.get(id);
}
const done = new Map(); // activities that can be undone, by who did what to whom
const remember = (type, what, more) => (ctx, person, { object }) => {
  const activity = new type(by(ctx, person, { object: new URL(object), ...more }));
  done.set(`${person} ${what} ${object}`, activity);
  return activity;
};
const noteOf = (url) => new URL(url).pathname.split("/").pop();
const deeds = {
  follow: remember(Follow, "follow"),
  like: remember(Like, "like", { to: PUBLIC_COLLECTION }),
  announce: remember(Announce, "announce", { to: PUBLIC_COLLECTION }),
  block: remember(Block, "block"),
  undo: (ctx, person, { object, what }) => new Undo(by(ctx, person, { object: done.get(`${person} ${what} ${object}`) })),
  reply: (ctx, person, args) => {
    const note = reply(ctx, person, args);
    return new Create(by(ctx, person, { object: note, tos: [PUBLIC_COLLECTION], ccs: [new URL(args.author)] }));
  },
  editReply: (ctx, person, { object, author, content }) => {
    const note = notes.get(noteOf(object)).clone({ content, updated: Temporal.Now.instant().add({ seconds: 1 }) });
    notes.set(noteOf(object), note);
    return new Update(by(ctx, person, { object: note, tos: [PUBLIC_COLLECTION], ccs: [new URL(author)] }));
  },
  deleteReply: (ctx, person, { object }) => {
    notes.delete(noteOf(object));
    return new Delete(by(ctx, person, { object: new Tombstone({ id: new URL(object) }), to: PUBLIC_COLLECTION }));
  },
  rename: async (ctx, person, { content }) => {
    people.get(person).name = content;
    return new Update(by(ctx, person, { object: await personOf(ctx, person), to: PUBLIC_COLLECTION }));
  },
  flag: (ctx, person, { object, content }) => new Flag(by(ctx, person, { object: new URL(object), content })),
  move: (ctx, person, { object }) => {
    const me = ctx.getActorUri(person).href;
    const target = ctx.getActorUri(object);
    people.get(object).aliases = [me];
    people.get(person).successor = target.href;
    return new Move(by(ctx, person, { object: new URL(me), target, to: PUBLIC_COLLECTION }));
  },
  deleteActor: (ctx, person) => {
    people.get(person).gone = true;
    return new Delete(by(ctx, person, { object: ctx.getActorUri(person), to: PUBLIC_COLLECTION }));
  },
};

// The posts behind the activities of an outbox, page by page.
async function postsOf(ctx, outbox, options) {
  const posts = [];
  for await (const activity of ctx.traverseCollection(outbox, options)) {
    const post = await activity.getObject(options);
    posts.push(`${activity.constructor.name} ${post?.url?.href}`);
  }
  return posts;
}

async function arrivedAtLeast(count) {
  const signal = AbortSignal.timeout(20_000);
  try {
    while (arrived.length < count) await once(changed, "arrived", { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return arrived;
}

const total = async (collection) => (await collection)?.totalItems ?? null;

// What the test can ask for; who is the person that does or asks, alice if none is named.
const controls = {
  // What was verified, once there are so many of it, or after 20 seconds.
  arrived: ({ count }) => arrivedAtLeast(count),
  // The kinds and answers of all signed requests that came in since the last call.
  received: () => received.splice(0),
  // How an account looks from here, by a handle or an address.
  async lookup({ object }, ctx, options) {
    const found = await ctx.lookupObject(object, options);
    if (!isActor(found)) throw new Error(`no actor at ${object}: ${found}`);
    const outbox = await found.getOutbox(options);
    return {
      id: found.id.href, name: text(found.name), username: text(found.preferredUsername), inbox: found.inboxId.href,
      sharedInbox: found.endpoints?.sharedInbox?.href ?? null, successor: text(found.successorId),
      followers: await total(found.getFollowers(options)), outbox: outbox?.totalItems ?? null,
      posts: await postsOf(ctx, outbox, options),
    };
  },
  // How a post looks from here.
  async post({ object }, ctx, options) {
    const found = await ctx.lookupObject(object, options);
    if (!(found instanceof Note)) return { id: null };
    return {
      id: found.id.href, content: text(found.content), url: found.url?.href ?? null,
      likes: await total(found.getLikes(options)), shares: await total(found.getShares(options)),
      replies: await total(ctx.lookupObject(found.repliesId, options)), // a post carries only a part of the collection
    };
  },
  // The answer to a GET without a signature.
  async unsigned({ object }) {
    const { status } = await send(object, { headers: { accept: "application/activity+json" } });
    return { status };
  },
  // Does a deed and sends it to an account; answers with the activity's id, that of its object, and the posts that
  // it took.
  async do({ who = "alice", deed, to, ...args }, ctx, options) {
    const recipient = await ctx.lookupObject(to, options);
    const activity = await deeds[deed](ctx, who, args);
    sent.length = 0;
    await ctx.sendActivity({ identifier: who }, recipient, activity);
    return { id: activity.id.href, object: text(activity.objectId), posts: [...sent] };
  },
};

async function control(path, args) {
  const ctx = federation.createContext(new URL(origin));
  const options = { documentLoader: await ctx.getDocumentLoader({ identifier: args.who ?? "alice" }), contextLoader: ctx.contextLoader };
  return await controls[path.slice("/control/".length)](args, ctx, options);
}

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function serve(request, response) {
  const body = await bodyOf(request);
  const headers = new Headers(Object.entries(request.headers).map(([k, v]) => [k, String(v)]));
  const refused = ONLY && kind(headers) !== ONLY && kind(headers) !== "unsigned";
  const reply = refused
    ? new Response("not in this way", { status: 401 })
    : await federation.fetch(
      new Request(new URL(request.url, `https://${request.headers.host}`), { method: request.method, headers, body: body.length ? body : undefined }),
      { contextData: undefined },
    );
  if (kind(headers) !== "unsigned") received.push(`${request.method} ${kind(headers)} ${reply.status}`);
  response.writeHead(reply.status, Object.fromEntries(reply.headers));
  response.end(Buffer.from(await reply.arrayBuffer()));
}

async function obey(request, response) {
  const result = await control(request.url, JSON.parse(await bodyOf(request) || "{}"));
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(result));
}

async function listen(server, handler) {
  server.on("request", (request, response) => {
    handler(request, response).catch((error) => response.writeHead(500).end(String(error.stack ?? error)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return server.address().port;
}

const port = await listen(createTLSServer({ cert: readFileSync(TLS_CERT), key: readFileSync(TLS_KEY) }), serve);
name(HANDLE_HOST, port);
name(WEB_HOST, port);
console.log(`http://127.0.0.1:${await listen(createServer(), obey)} ${port}`);
