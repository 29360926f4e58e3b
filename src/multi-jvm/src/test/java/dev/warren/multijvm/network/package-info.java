/**
 * Networks that fail: {@link dev.warren.multijvm.network.TcpProxy} between two processes, and
 * {@link dev.warren.multijvm.network.NetworkLab} of network namespaces where root is available.
 */
package dev.warren.multijvm.network;
