/**
 * Which gateways exist, as agents are told: {@link dev.warren.peer.discovery.GatewayList} numbers
 * what changes, {@link dev.warren.peer.discovery.Discovery} tells it over every tunnel, and {@link
 * dev.warren.peer.discovery.Rebalancing} says when some agents should go elsewhere. Nothing here
 * knows how a gateway's front is reached by callers.
 */
package dev.warren.peer.discovery;
