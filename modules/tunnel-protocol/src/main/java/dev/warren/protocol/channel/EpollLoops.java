package dev.warren.protocol.channel;

import io.netty.channel.IoHandle;
import io.netty.channel.IoHandler;
import io.netty.channel.IoHandlerContext;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.IoOps;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.util.concurrent.ThreadAwareExecutor;

/**
 * Epoll event loops on which a socket can be written to after its peer has closed its own sending
 * side. To be used wherever {@link EpollIoHandler#newFactory} would be.
 *
 * <p>Netty 4.2.17 takes a socket out of epoll when it wants no event (a half close with {@code
 * autoRead} off, nothing to write), and forgets that it did. The next event that the socket wants,
 * to be told when it is writable again, fails with ENOENT, and what was still to be written is
 * lost. Here such a socket is put into epoll anew. EpollLoopsTest shows both, so that a version of
 * Netty that needs this no longer is noticed.
 */
public final class EpollLoops {
  private EpollLoops() {}

  /** For a {@link io.netty.channel.MultiThreadIoEventLoopGroup}; only where epoll is available. */
  public static IoHandlerFactory newFactory() {
    IoHandlerFactory netty = EpollIoHandler.newFactory();
    return new IoHandlerFactory() {
      @Override
      public IoHandler newHandler(ThreadAwareExecutor executor) {
        return new Handler(netty.newHandler(executor));
      }

      @Override
      public boolean isChangingThreadSupported() {
        return netty.isChangingThreadSupported();
      }
    };
  }

  /** Netty's, but for what it gives out as registrations. */
  private static final class Handler implements IoHandler {
    private final IoHandler netty;

    Handler(IoHandler netty) {
      this.netty = netty;
    }

    @Override
    public IoRegistration register(IoHandle handle) throws Exception {
      return new Registration(netty, handle);
    }

    @Override
    public void initialize() {
      netty.initialize();
    }

    @Override
    public int run(IoHandlerContext context) {
      return netty.run(context);
    }

    @Override
    public void prepareToDestroy() {
      netty.prepareToDestroy();
    }

    @Override
    public void destroy() {
      netty.destroy();
    }

    @Override
    public void wakeup() {
      netty.wakeup();
    }

    @Override
    public boolean isCompatible(Class<? extends IoHandle> handleType) {
      return netty.isCompatible(handleType);
    }
  }

  /** Remembers whether the socket is in epoll. Used on its event loop only. */
  private static final class Registration implements IoRegistration {
    private final IoHandler netty;
    private final IoHandle handle;
    private volatile IoRegistration current;
    private boolean takenOut;

    Registration(IoHandler netty, IoHandle handle) throws Exception {
      this.netty = netty;
      this.handle = handle;
      current = netty.register(handle);
    }

    @Override
    public long submit(IoOps ops) {
      boolean nothing = ((EpollIoOps) ops).value() == 0;
      if (takenOut && !nothing && current.isValid()) {
        current.cancel();
        try {
          current = netty.register(handle);
        } catch (Exception e) {
          throw new IllegalStateException("a socket could not be put into epoll again", e);
        }
      }
      if (takenOut && nothing) {
        return 0;
      }
      takenOut = nothing;
      return current.submit(ops);
    }

    @Override
    public <T> T attachment() {
      return current.attachment();
    }

    @Override
    public boolean isValid() {
      return current.isValid();
    }

    @Override
    public boolean cancel() {
      return current.cancel();
    }
  }
}
