/**
 * What makes several gateways one: who they are, how they know each other, which tunnels each of
 * them holds, and how a dial finds its way. Nothing here knows HTTP.
 */
package dev.warren.peer;
