package dev.warren.peer.link;

import com.google.protobuf.InvalidProtocolBufferException;
import dev.warren.peer.GatewayIdentity;
import dev.warren.peer.wire.Peering;
import dev.warren.protocol.frame.Frame;
import dev.warren.protocol.frame.FrameCodec;
import dev.warren.protocol.mux.MuxSettings;
import dev.warren.protocol.testing.FrameParser;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;

/** What dials a gateway as another one would, and sends what the test says, right or wrong. */
final class RawPeer implements AutoCloseable {
  private final GatewayIdentity self;
  private final Socket socket;
  private final BlockingQueue<Object> arrived = new LinkedBlockingQueue<>();
  private final Object end = new Object();

  RawPeer(GatewayIdentity self, InetSocketAddress gateway) throws IOException {
    this.self = self;
    socket = new Socket(gateway.getAddress(), gateway.getPort());
    socket.setTcpNoDelay(true);
    byte[] id = self.id().getBytes(StandardCharsets.US_ASCII);
    socket.getOutputStream().write(id.length);
    socket.getOutputStream().write(id);
    socket.getOutputStream().write(self.incarnation().toBytes());
    Thread reader = new Thread(this::read, "raw-peer");
    reader.setDaemon(true);
    reader.start();
  }

  /** One that is a connection of a link. */
  static RawPeer linked(GatewayIdentity self, InetSocketAddress gateway) throws Exception {
    RawPeer peer = new RawPeer(self, gateway);
    peer.hello();
    peer.expect(Frame.Welcome.class);
    return peer;
  }

  void hello() throws IOException {
    hello(self);
  }

  void hello(GatewayIdentity said) throws IOException {
    Frame.Hello hello = LinkConnection.hello(said, 1, "raw");
    send(
        new Frame.Hello(
            hello.minVersion(),
            hello.maxVersion(),
            hello.capabilities(),
            hello.session(),
            hello.instance(),
            hello.connection(),
            MuxSettings.DEFAULT.limits(),
            10_000,
            hello.rank(),
            hello.software(),
            hello.attributes()));
  }

  private void read() {
    try (FrameParser parser = new FrameParser()) {
      InputStream in = socket.getInputStream();
      in.readNBytes(in.read() + 16); // who it is
      byte[] some = new byte[64 * 1024];
      for (int length = in.read(some); length >= 0; length = in.read(some)) {
        parser.feed(Unpooled.wrappedBuffer(some, 0, length), this::take);
      }
    } catch (IOException | AssertionError e) {
      // an end, too
    }
    arrived.add(end);
  }

  private void take(Frame frame) {
    try {
      if (frame instanceof Frame.Ping ping) {
        send(new Frame.Pong(ping.sequence()));
      } else if (frame instanceof Frame.Peering peering) {
        arrived.add(Peering.parseFrom(peering.message()));
      } else {
        arrived.add(frame);
      }
    } catch (InvalidProtocolBufferException e) {
      throw new AssertionError(e);
    } catch (IOException e) {
      // the reader will see it
    }
  }

  void send(Frame frame) throws IOException {
    ByteBuf out = Unpooled.buffer();
    FrameCodec.write(out, frame);
    byte[] bytes = new byte[out.readableBytes()];
    out.readBytes(bytes);
    synchronized (socket) {
      socket.getOutputStream().write(bytes);
    }
  }

  void send(Peering message) throws IOException {
    send(new Frame.Peering(message.toByteArray()));
  }

  private Object next() throws InterruptedException {
    Object next = arrived.poll(20, TimeUnit.SECONDS);
    if (next == null) {
      throw new AssertionError("nothing came within 20 s");
    }
    return next;
  }

  /** The next frame of this kind; all else is passed over. */
  <T extends Frame> T expect(Class<T> kind) throws InterruptedException {
    while (true) {
      Object next = next();
      if (kind.isInstance(next)) {
        return kind.cast(next);
      }
      if (next == end) {
        throw new AssertionError("the end came, and no " + kind.getSimpleName());
      }
    }
  }

  /** The next message that is as the test wants it. */
  Peering expect(Predicate<Peering> wanted) throws InterruptedException {
    while (true) {
      Object next = next();
      if (next instanceof Peering peering && wanted.test(peering)) {
        return peering;
      }
      if (next == end) {
        throw new AssertionError("the end came first");
      }
    }
  }

  @Override
  public void close() throws IOException {
    socket.close();
  }
}
