package dev.warren.protocol.sim;

import io.netty.buffer.ByteBuf;

/** One direction of a connection: a bounded buffer, a speed, a delay, and reads cut at random. */
final class Pipe {
  private final World world;
  private final Road road;
  private final Port from;
  private final Port to;
  private final ByteBuf queue;
  private boolean moving;
  private boolean cut;
  private long lastArrival;

  Pipe(World world, Road road, Port from, Port to) {
    this.world = world;
    this.road = road;
    this.from = from;
    this.to = to;
    this.queue = world.allocator.buffer(1_024);
  }

  boolean isWritable() {
    return queue.readableBytes() < road.highWater();
  }

  void write(ByteBuf bytes) {
    if (cut || !bytes.isReadable()) {
      return;
    }
    queue.writeBytes(bytes, bytes.readerIndex(), bytes.readableBytes());
    if (!moving) {
      moving = true;
      world.clock.after(0, this::move);
    }
  }

  private void move() {
    if (cut) {
      return;
    }
    int most = Math.min(queue.readableBytes(), road.largestChunk());
    int length = world.random.nextInt(4) == 0 ? 1 + world.random.nextInt(most) : most;
    ByteBuf chunk = queue.readBytes(length);
    queue.discardReadBytes();
    long busy = length * 1_000_000_000L / road.bytesPerSecond();
    long jitter = road.jitterNanos() == 0 ? 0 : world.random.nextLong(road.jitterNanos());
    lastArrival = Math.max(lastArrival, world.clock.now() + busy + road.latencyNanos() + jitter);
    world.clock.after(lastArrival - world.clock.now(), () -> arrive(chunk));
    world.clock.after(busy, this::moved);
  }

  private void moved() {
    if (queue.isReadable()) {
      move();
    } else {
      moving = false;
    }
    if (!cut) {
      from.station.pump();
    }
  }

  private void arrive(ByteBuf chunk) {
    if (!cut) {
      to.arrives(chunk);
    }
    chunk.release();
  }

  void cut() {
    if (!cut) {
      cut = true;
      queue.release();
    }
  }
}
