/**
 * The API for operators: what a gateway and its cluster are doing, and a few orders. Start at
 * {@link dev.warren.gateway.admin.AdminRoutes}, which says which paths exist; {@link
 * dev.warren.gateway.admin.GatewayOperations} finds the answers, {@link
 * dev.warren.gateway.admin.SessionFeed} tells what changes. It runs on Pekko HTTP in an actor
 * system of its own, which is in no cluster, so that it answers while the control plane is being
 * restarted. Nothing of the data plane knows it. docs/admin-api.md is its manual.
 */
package dev.warren.gateway.admin;
