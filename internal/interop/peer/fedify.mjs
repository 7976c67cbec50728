// A small server on Fedify, an ActivityPub implementation that shares nothing with crier. It shows its actors
// only to those who sign, and Fedify judges that. The test drives it over /control/: POST lookup with
// {"actor": …}; POST follow and undo with the same answer with a line for each of the posts this server made so
// far; POST arrived with {"count": n} answers with all that arrived, and was verified by Fedify, once there are
// n of it, or after 20 seconds.
//
// usage: node fedify.mjs  (prints its origin on standard output when it listens; FIRST_KNOCK=rfc9421 makes it
// sign with RFC 9421 first, as Fedify does by itself)
import { createServer } from "node:http";
import { once } from "node:events";
import { createFederation, generateCryptoKeyPair, MemoryKvStore } from "@fedify/fedify";
import {
  Accept, Create, Delete, Endpoints, Follow, Person, Reject, Undo, Update, isActor,
} from "@fedify/fedify/vocab";

const server = createServer();
server.listen(0, "127.0.0.1");
await once(server, "listening");
const origin = `http://127.0.0.1:${server.address().port}`;

// Every post that Fedify makes, by the kind of its signature, and what became of it.
const sent = [];
const send = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const request = new Request(input, init);
  const kind = request.headers.has("signature-input") ? "rfc9421" : "draft-cavage-http-signatures-12";
  const response = await send(request);
  if (request.method === "POST") sent.push(`${kind} ${response.status}`);
  return response;
};

const keys = new Map();
const arrived = [];
const changed = new EventTarget();

const federation = createFederation({
  kv: new MemoryKvStore(),
  allowPrivateAddress: true,
  origin,
  firstKnock: process.env.FIRST_KNOCK ?? "draft-cavage-http-signatures-12",
});

federation
  .setActorDispatcher("/users/{identifier}", async (ctx, identifier) => {
    const pairs = await ctx.getActorKeyPairs(identifier);
    return new Person({
      id: ctx.getActorUri(identifier),
      preferredUsername: identifier,
      name: identifier,
      inbox: ctx.getInboxUri(identifier),
      endpoints: new Endpoints({ sharedInbox: ctx.getInboxUri() }),
      publicKey: pairs[0].cryptographicKey,
      assertionMethods: pairs.map((pair) => pair.multikey),
    });
  })
  .setKeyPairsDispatcher(async (_, identifier) => {
    if (!keys.has(identifier)) {
      keys.set(identifier, [
        await generateCryptoKeyPair("RSASSA-PKCS1-v1_5"),
        await generateCryptoKeyPair("Ed25519"),
      ]);
    }
    return keys.get(identifier);
  })
  .authorize(async (ctx) => (await ctx.getSignedKeyOwner()) != null);

const note = async (ctx, activity) => {
  // Only of posts: Fedify believes an embedded object only on its own host, and a Follow would be fetched.
  const told = [Create, Update, Delete].some((type) => activity instanceof type);
  const object = told ? await activity.getObject(ctx) : null;
  arrived.push({
    type: activity.constructor.name,
    id: activity.id?.href ?? null,
    actor: activity.actorId?.href ?? null,
    object: activity.objectId?.href ?? object?.id?.href ?? null,
    objectType: object?.constructor.name ?? null,
    content: object?.content?.toString() ?? null,
    url: object?.url?.href ?? null,
    published: object?.published?.toString() ?? null,
    updated: object?.updated?.toString() ?? null,
  });
  changed.dispatchEvent(new Event("arrived"));
};
const listeners = federation.setInboxListeners("/users/{identifier}/inbox", "/inbox");
listeners.onError((_, error) => console.error(error));
for (const type of [Accept, Reject, Create, Update, Delete, Undo]) listeners.on(type, note);

const followOf = (ctx, actor) =>
  new Follow({
    id: new URL(`/follows/${encodeURIComponent(actor.href)}`, origin),
    actor: ctx.getActorUri("alice"),
    object: actor,
  });

// The posts behind the activities of an outbox, page by page.
async function postsOf(ctx, outbox, documentLoader) {
  const posts = [];
  for await (const activity of ctx.traverseCollection(outbox, { documentLoader })) {
    const post = await activity.getObject({ documentLoader });
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

async function control(path, { actor, count }) {
  const ctx = federation.createContext(new URL(origin));
  const loader = await ctx.getDocumentLoader({ identifier: "alice" });
  if (path === "/control/arrived") return await arrivedAtLeast(count);
  const found = await ctx.lookupObject(actor, { documentLoader: loader });
  if (!isActor(found)) throw new Error(`no actor at ${actor}`);
  if (path === "/control/lookup") {
    const outbox = await found.getOutbox({ documentLoader: loader });
    return {
      id: found.id.href,
      name: found.name?.toString() ?? null,
      username: found.preferredUsername?.toString() ?? null,
      inbox: found.inboxId.href,
      sharedInbox: found.endpoints?.sharedInbox?.href ?? null,
      followers: (await found.getFollowers({ documentLoader: loader }))?.totalItems ?? null,
      outbox: outbox?.totalItems ?? null,
      posts: await postsOf(ctx, outbox, loader),
    };
  }
  const follow = followOf(ctx, found.id);
  const activity = path === "/control/undo"
    ? new Undo({ id: new URL(`/undos/${Date.now()}`, origin), actor: follow.actorId, object: follow })
    : follow;
  await ctx.sendActivity({ identifier: "alice" }, found, activity);
  return sent;
}

async function answer(request, response) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  if (request.url.startsWith("/control/")) {
    try {
      const result = await control(request.url, body.length ? JSON.parse(body) : {});
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(result));
    } catch (error) {
      response.writeHead(500).end(String(error.stack ?? error));
    }
    return;
  }
  const reply = await federation.fetch(
    new Request(new URL(request.url, origin), {
      method: request.method,
      headers: new Headers(Object.entries(request.headers).map(([k, v]) => [k, String(v)])),
      body: body.length ? body : undefined,
    }),
    { contextData: undefined },
  );
  response.writeHead(reply.status, Object.fromEntries(reply.headers));
  response.end(Buffer.from(await reply.arrayBuffer()));
}

server.on("request", (request, response) => {
  answer(request, response).catch((error) => response.writeHead(500).end(String(error)));
});
console.log(origin);
