/**
 * What an agent says of itself to who runs it: {@link dev.warren.agent.admin.StatusServer} answers
 * a few GETs on a loopback address. Nothing here can change anything.
 */
package dev.warren.agent.admin;
