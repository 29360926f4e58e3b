/**
 * What a cluster's shared secret is, and what is derived from it: a certificate authority and
 * secret keys, the same on every gateway that knows the token. Start at {@link
 * dev.warren.peer.token.ClusterTokens}. Nothing here knows a connection.
 */
package dev.warren.peer.token;
