/**
 * The connections between gateways. {@link dev.warren.peer.link.Links} finds the others, dials them
 * and takes them in; a {@link dev.warren.peer.link.Link} is the bundle of connections to one life
 * of one gateway: streams go over it, and both sides announce the tunnels that they hold. It does
 * not depend on the cluster's membership, and no actor is near.
 */
package dev.warren.peer.link;
