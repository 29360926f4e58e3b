/**
 * Which tunnels exist, here and at every gateway that has a link to this one: {@link
 * dev.warren.peer.route.RouteTable} knows them and decides between rivals, {@link
 * dev.warren.peer.route.Announcements} is what one peer is told of ours. It belongs to the data
 * plane: no actor, no socket, no waiting.
 */
package dev.warren.peer.route;
