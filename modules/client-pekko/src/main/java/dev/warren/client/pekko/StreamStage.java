package dev.warren.client.pekko;

import dev.warren.client.Session;
import dev.warren.protocol.FaultCode;
import dev.warren.protocol.channel.StreamChannel;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.ChannelInputShutdownEvent;
import io.netty.channel.socket.DuplexChannel;
import java.io.IOException;
import java.util.ArrayDeque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.Done;
import org.apache.pekko.japi.Pair;
import org.apache.pekko.stream.Attributes;
import org.apache.pekko.stream.FlowShape;
import org.apache.pekko.stream.Inlet;
import org.apache.pekko.stream.Outlet;
import org.apache.pekko.stream.stage.AbstractGraphStageWithMaterializedValue;
import org.apache.pekko.stream.stage.AbstractInHandler;
import org.apache.pekko.stream.stage.AbstractOutHandler;
import org.apache.pekko.stream.stage.AsyncCallback;
import org.apache.pekko.stream.stage.GraphStageLogic;
import org.apache.pekko.util.ByteString;

/** One stream as a stage. At most one write and one read of the stream are under way. */
final class StreamStage
    extends AbstractGraphStageWithMaterializedValue<
        FlowShape<ByteString, ByteString>, CompletionStage<Done>> {
  private final Session session;
  private final String target;
  private final Inlet<ByteString> in = Inlet.create("WarrenFlow.in");
  private final Outlet<ByteString> out = Outlet.create("WarrenFlow.out");
  private final FlowShape<ByteString, ByteString> shape = FlowShape.of(in, out);

  StreamStage(Session session, String target) {
    this.session = session;
    this.target = target;
  }

  @Override
  public FlowShape<ByteString, ByteString> shape() {
    return shape;
  }

  @Override
  public Pair<GraphStageLogic, CompletionStage<Done>> createLogicAndMaterializedValuePair(
      Attributes attributes) {
    CompletableFuture<Done> opened = new CompletableFuture<>();
    return Pair.create(new Logic(opened), opened);
  }

  private final class Logic extends GraphStageLogic {
    private final CompletableFuture<Done> opened;
    private final ArrayDeque<ByteString> arrived = new ArrayDeque<>();
    private AsyncCallback<DuplexChannel> onOpened;
    private AsyncCallback<Throwable> onBroken;
    private AsyncCallback<Done> onWritten;
    private AsyncCallback<ByteString> onArrived;
    private AsyncCallback<Done> onEnded;
    private DuplexChannel channel; // null before the target has accepted
    private boolean writing;
    private boolean outputEnded;
    private boolean ended;

    Logic(CompletableFuture<Done> opened) {
      super(StreamStage.this.shape);
      this.opened = opened;
      setHandler(
          in,
          new AbstractInHandler() {
            @Override
            public void onPush() {
              write(grab(in));
            }

            @Override
            public void onUpstreamFinish() {
              if (!writing && channel != null) {
                endOutput();
              }
            }

            @Override
            public void onUpstreamFailure(Throwable failure) {
              failStage(failure);
            }
          });
      setHandler(
          out,
          new AbstractOutHandler() {
            @Override
            public void onPull() {
              give();
            }
          });
    }

    @Override
    public void preStart() {
      onOpened = createAsyncCallback(this::opened);
      onBroken = createAsyncCallback(this::failStage);
      onWritten = createAsyncCallback(done -> written());
      onArrived = createAsyncCallback(this::arrived);
      onEnded = createAsyncCallback(done -> ended());
      session
          .openChannel(target)
          .whenComplete(
              (stream, failure) -> {
                if (failure == null) {
                  stream.pipeline().addLast(new Bytes());
                  onOpened.invoke(stream);
                  opened.complete(Done.getInstance());
                } else {
                  opened.completeExceptionally(failure);
                  onBroken.invoke(failure);
                }
              });
    }

    private void opened(DuplexChannel stream) {
      channel = stream;
      if (!stream.isActive()) {
        failStage(new IOException("the stream broke"));
      } else if (isClosed(in)) {
        endOutput();
      } else {
        pull(in);
      }
      if (isAvailable(out)) {
        give();
      }
    }

    /** Copied, because a stream may write over what it is given. */
    private void write(ByteString bytes) {
      writing = true;
      ByteBuf copy = channel.alloc().directBuffer(Math.max(1, bytes.size()));
      copy.writeBytes(bytes.toArrayUnsafe());
      channel
          .writeAndFlush(copy)
          .addListener(
              done -> {
                if (done.isSuccess()) {
                  onWritten.invoke(Done.getInstance());
                }
              });
    }

    private void written() {
      writing = false;
      if (isClosed(in)) {
        endOutput();
      } else if (!hasBeenPulled(in)) {
        pull(in);
      }
    }

    private void endOutput() {
      outputEnded = true;
      channel.shutdownOutput();
    }

    private void arrived(ByteString bytes) {
      arrived.addLast(bytes);
      if (isAvailable(out)) {
        give();
      }
    }

    private void ended() {
      ended = true;
      if (arrived.isEmpty()) {
        end();
      }
    }

    /** What the target sent is over; what goes to it may go on. */
    private void end() {
      complete(out);
    }

    private void give() {
      ByteString first = arrived.pollFirst();
      if (first != null) {
        push(out, first);
        if (ended && arrived.isEmpty()) {
          end();
        }
      } else if (channel != null && !ended) {
        channel.read();
      }
    }

    /** However it ended: a stream of which one direction is open is reset. */
    @Override
    public void postStop() {
      opened.completeExceptionally(new IOException("the flow ended before a stream was there"));
      if (channel instanceof StreamChannel stream) {
        if (!(ended && outputEnded)) {
          stream.reset(FaultCode.CANCELLED, "the flow ended");
        }
      }
    }

    /** On the event loop. */
    private final class Bytes extends ChannelInboundHandlerAdapter {
      private boolean over;

      @Override
      public void channelRead(ChannelHandlerContext ctx, Object message) {
        ByteBuf bytes = (ByteBuf) message;
        byte[] copy = new byte[bytes.readableBytes()];
        bytes.readBytes(copy);
        bytes.release();
        onArrived.invoke(ByteString.fromArrayUnsafe(copy));
      }

      @Override
      public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event instanceof ChannelInputShutdownEvent) {
          over = true;
          onEnded.invoke(Done.getInstance());
        }
      }

      @Override
      public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        over = true;
        onBroken.invoke(cause);
      }

      @Override
      public void channelInactive(ChannelHandlerContext ctx) {
        if (!over) {
          onBroken.invoke(new IOException("the stream broke"));
        }
      }
    }
  }
}
