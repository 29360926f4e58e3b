/**
 * Streams to what agents reach, for Java programs. Start at {@link dev.warren.client.Warren}: it
 * keeps one connection to a gateway, its line, and opens streams over it; {@link
 * dev.warren.client.Session} gives them as sockets, channels and local ports.
 *
 * <pre>{@code
 * try (Warren warren = Warren.connect("http://127.0.0.1:8123", token)) {
 *   Session session = warren.session("db-7");
 *   try (Socket socket = session.connect("127.0.0.1:5432")) {
 *     socket.getOutputStream().write(request);
 *     socket.shutdownOutput();
 *     answer = socket.getInputStream().readAllBytes();
 *   }
 *   try (StreamByteChannel channel = session.open("127.0.0.1:5432")) {
 *     channel.write(ByteBuffer.wrap(request));
 *   }
 *   SocketFactory sockets = session.socketFactory(); // for OkHttp, LDAP and others
 *   LocalPort port = session.forward(new InetSocketAddress("127.0.0.1", 15432), "127.0.0.1:5432");
 *   LocalPort socks = session.socks(new InetSocketAddress("127.0.0.1", 1080));
 * }
 * }</pre>
 *
 * <p>Inside, {@link dev.warren.client.Lines} finds a gateway, {@link dev.warren.client.StreamDial}
 * opens a stream, and {@link dev.warren.client.StreamPipe} stands between the event loop and
 * threads that wait.
 */
package dev.warren.client;
