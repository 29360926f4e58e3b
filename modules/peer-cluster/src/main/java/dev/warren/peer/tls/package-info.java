/**
 * Who may speak with this gateway as a peer: mutual TLS 1.3 with certificates that the gateways
 * mint for themselves from the shared token, for links and for the cluster's port alike. Start at
 * {@link dev.warren.peer.tls.ClusterTls}; what was refused is in {@link
 * dev.warren.peer.tls.HandshakeRefusals}. What is said inside TLS is nobody's business here.
 */
package dev.warren.peer.tls;
