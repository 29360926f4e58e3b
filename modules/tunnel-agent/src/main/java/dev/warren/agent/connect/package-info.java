/**
 * How the agent reaches a gateway: address, proxy, TLS and the WebSocket handshake, within one
 * limit of time. Start at {@link dev.warren.agent.connect.GatewayConnector}; what comes out is a
 * {@link dev.warren.agent.connect.ConnectOutcome}. When to try again is the business of {@code
 * reconnect}, and what is said over the connection that of {@code pool}.
 */
package dev.warren.agent.connect;
