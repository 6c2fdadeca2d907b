// Signs webhooks with the official libraries of Stripe and Svix. Reads a JSON array of cases from
// standard input and writes an array with the headers of each.
import Stripe from "stripe";
import { Webhook } from "svix";
import { text } from "node:stream/consumers";

const stripe = new Stripe("sk_test_never_used");

const headers = ({ by, secret, at, id, payload }) => {
  if (by === "stripe") {
    return { "Stripe-Signature": stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp: at }) };
  }
  return {
    "svix-id": id,
    "svix-timestamp": String(at),
    "svix-signature": new Webhook(secret).sign(id, new Date(at * 1000), payload),
  };
};

console.log(JSON.stringify(JSON.parse(await text(process.stdin)).map(headers)));
