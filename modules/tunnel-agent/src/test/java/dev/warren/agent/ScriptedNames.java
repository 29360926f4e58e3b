package dev.warren.agent;

import dev.warren.agent.net.Names;
import io.netty.channel.EventLoop;
import io.netty.util.concurrent.Future;
import io.netty.util.concurrent.Promise;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** Names that a test answers. Several answers for one name are given one after the other. */
public final class ScriptedNames implements Names {
  private final Map<String, Queue<List<InetAddress>>> answers = new ConcurrentHashMap<>();
  private final Set<String> held = new HashSet<>();
  private final Map<String, List<Promise<List<InetAddress>>>> waiting = new ConcurrentHashMap<>();
  private final AtomicInteger questions = new AtomicInteger();

  public synchronized void answer(String name, String... addresses) {
    answers.computeIfAbsent(name, n -> new ArrayDeque<>()).add(parsed(addresses));
  }

  /** Questions for the name wait until {@link #release}. */
  public synchronized void hold(String name) {
    held.add(name);
  }

  /** Answers all that wait; without addresses the name is unknown. */
  public synchronized void release(String name, String... addresses) {
    held.remove(name);
    for (Promise<List<InetAddress>> promise : waiting.getOrDefault(name, List.of())) {
      complete(promise, name, parsed(addresses));
    }
    waiting.remove(name);
  }

  public int questions() {
    return questions.get();
  }

  @Override
  public synchronized Future<List<InetAddress>> addresses(String name, EventLoop loop) {
    questions.incrementAndGet();
    Promise<List<InetAddress>> promise = loop.newPromise();
    if (held.contains(name)) {
      waiting.computeIfAbsent(name, n -> new ArrayList<>()).add(promise);
      return promise;
    }
    Queue<List<InetAddress>> script = answers.getOrDefault(name, new ArrayDeque<>());
    List<InetAddress> answer = script.size() > 1 ? script.poll() : script.peek();
    complete(promise, name, answer == null ? List.of() : answer);
    return promise;
  }

  private static void complete(
      Promise<List<InetAddress>> promise, String name, List<InetAddress> answer) {
    if (answer.isEmpty()) {
      promise.tryFailure(new UnknownHostException(name));
    } else {
      promise.trySuccess(answer);
    }
  }

  private static List<InetAddress> parsed(String... addresses) {
    return Arrays.stream(addresses).map(ScriptedNames::literal).toList();
  }

  private static InetAddress literal(String address) {
    try {
      return InetAddress.getByName(address);
    } catch (UnknownHostException e) {
      throw new IllegalArgumentException(address, e);
    }
  }

  @Override
  public void close() {}
}
