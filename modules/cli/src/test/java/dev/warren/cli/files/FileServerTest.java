package dev.warren.cli.files;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FileServerTest {
  private static final InetSocketAddress FREE =
      new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);

  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  @TempDir Path directory;
  private Path root;
  private FileServer server;

  @BeforeEach
  void start() throws IOException {
    root = Files.createDirectory(directory.resolve("root"));
    server = FileServer.start(new FileServer.Settings(FREE, root, true));
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private byte[] file(String name, int size) throws IOException {
    byte[] content = new byte[size];
    new Random(size).nextBytes(content);
    Files.write(root.resolve(name), content);
    return content;
  }

  private HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(
        URI.create("http://127.0.0.1:" + server.address().getPort() + path));
  }

  private HttpResponse<byte[]> send(HttpRequest.Builder request) throws Exception {
    return client.send(request.build(), BodyHandlers.ofByteArray());
  }

  private HttpResponse<byte[]> get(String path, String... headers) throws Exception {
    HttpRequest.Builder request = request(path);
    for (int i = 0; i < headers.length; i += 2) {
      request.header(headers[i], headers[i + 1]);
    }
    return send(request);
  }

  private static String text(HttpResponse<byte[]> response) {
    return new String(response.body(), StandardCharsets.UTF_8);
  }

  private static String header(HttpResponse<?> response, String name) {
    return response.headers().firstValue(name).orElse(null);
  }

  /** The status and all that follows, of a request that no client would send. */
  private String raw(String bytes) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.address().getPort())) {
      socket.setSoTimeout(20_000);
      socket.getOutputStream().write(bytes.getBytes(StandardCharsets.ISO_8859_1));
      try (InputStream in = socket.getInputStream()) {
        return new String(in.readAllBytes(), StandardCharsets.ISO_8859_1);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 65_535, 65_536, 3_000_000})
  void fileArrivesWhole(int size) throws Exception {
    byte[] content = file("data.bin", size);
    HttpResponse<byte[]> response = get("/data.bin");
    assertEquals(200, response.statusCode());
    assertArrayEquals(content, response.body());
    assertEquals(Integer.toString(size), header(response, "content-length"));
    assertEquals("application/octet-stream", header(response, "content-type"));
  }

  @Test
  void headIsGetWithoutTheBytes() throws Exception {
    file("data.txt", 1_000);
    HttpResponse<byte[]> head = send(request("/data.txt").method("HEAD", BodyPublishers.noBody()));
    HttpResponse<byte[]> got = get("/data.txt");
    assertEquals(200, head.statusCode());
    assertEquals(0, head.body().length);
    assertEquals(got.headers().map(), head.headers().map());
    assertEquals("1000", header(head, "content-length"));
    assertEquals(404, send(request("/x").method("HEAD", BodyPublishers.noBody())).statusCode());
  }

  @Test
  void rangesAreServed() throws Exception {
    byte[] content = file("data.bin", 100_000);
    HttpResponse<byte[]> middle = get("/data.bin", "Range", "bytes=65530-65540");
    assertEquals(206, middle.statusCode());
    assertEquals("bytes 65530-65540/100000", header(middle, "content-range"));
    assertArrayEquals(Arrays.copyOfRange(content, 65_530, 65_541), middle.body());
    HttpResponse<byte[]> last = get("/data.bin", "Range", "bytes=-1");
    assertArrayEquals(new byte[] {content[99_999]}, last.body());
    HttpResponse<byte[]> behind = get("/data.bin", "Range", "bytes=100000-");
    assertEquals(416, behind.statusCode());
    assertEquals("bytes */100000", header(behind, "content-range"));
    assertEquals(200, get("/data.bin", "Range", "bytes=0-1,5-6").statusCode());
  }

  @Test
  void conditionsAreHeeded() throws Exception {
    file("data.bin", 10);
    String tag = header(get("/data.bin"), "etag");
    HttpResponse<byte[]> unchanged = get("/data.bin", "If-None-Match", "\"x\", " + tag);
    assertEquals(304, unchanged.statusCode());
    assertEquals(0, unchanged.body().length);
    assertEquals(206, get("/data.bin", "Range", "bytes=0-1", "If-Range", tag).statusCode());
    assertEquals(200, get("/data.bin", "Range", "bytes=0-1", "If-Range", "\"x\"").statusCode());
    file("data.bin", 11);
    assertEquals(200, get("/data.bin", "If-None-Match", tag).statusCode());
  }

  @Test
  void whatIsNotThereIs404() throws Exception {
    assertEquals(404, get("/nothing").statusCode());
    file("data.bin", 1);
    assertEquals(404, get("/data.bin/below").statusCode());
  }

  @Test
  void directoryIsListedWithRelativeLinks() throws Exception {
    Files.createDirectory(root.resolve("below"));
    file("<b> & ü.txt", 1);
    HttpResponse<byte[]> page = get("/");
    assertTrue(header(page, "content-type").startsWith("text/html"));
    assertTrue(text(page).contains("<a href=\"./below/\">below/</a>"), text(page));
    assertTrue(
        text(page).contains("<a href=\"./%3Cb%3E%20%26%20%C3%BC.txt\">&lt;b&gt; &amp; ü.txt</a>"),
        text(page));
    assertEquals(200, get("/%3Cb%3E%20%26%20%C3%BC.txt").statusCode());
    HttpResponse<byte[]> moved = get("/below");
    assertEquals(301, moved.statusCode());
    assertEquals("./below/", header(moved, "location"));
    assertTrue(text(get("/below/")).contains("../"));
    Files.writeString(root.resolve("below/index.html"), "the index");
    assertEquals("the index", text(get("/below/")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/../secret",
        "/below/../../secret",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/%2e%2e%2fsecret",
        "/..\\secret",
        "/%5c..%5csecret",
        "/%00",
        "/link/secret",
        "/link-to-file",
        "/%zz",
        "/%",
        "/%4",
        "/%c0%ae%c0%ae/secret",
        "*",
        "secret",
      })
  void noPathLeadsOut(String path) throws Exception {
    Files.writeString(directory.resolve("secret"), "the secret");
    Files.createSymbolicLink(root.resolve("link"), directory);
    Files.createSymbolicLink(root.resolve("link-to-file"), directory.resolve("secret"));
    String answer = raw("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assertTrue(answer.startsWith("HTTP/1.1 403 "), answer);
    assertFalse(answer.contains("the secret"), answer);
    String put =
        raw(
            "PUT "
                + path
                + "x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\nX");
    assertTrue(put.startsWith("HTTP/1.1 40") || path.equals("/link-to-file"), put);
    try (Stream<Path> files = Files.list(directory)) {
      assertEquals(2, files.count(), "something was written outside of the root");
    }
  }

  @Test
  void linkThatStaysInsideIsFollowed() throws Exception {
    byte[] content = file("data.bin", 10);
    Files.createSymbolicLink(root.resolve("link"), Path.of("data.bin"));
    assertArrayEquals(content, get("/link").body());
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 65_536, 3_000_000})
  void uploadArrivesWhole(int size) throws Exception {
    byte[] content = new byte[size];
    new Random(size).nextBytes(content);
    HttpRequest.Builder put = request("/up.bin").PUT(BodyPublishers.ofByteArray(content));
    assertEquals(201, send(put.expectContinue(size > 0)).statusCode());
    assertArrayEquals(content, Files.readAllBytes(root.resolve("up.bin")));
    assertEquals(204, send(request("/up.bin").PUT(BodyPublishers.ofString("new"))).statusCode());
    assertEquals("new", Files.readString(root.resolve("up.bin")));
    assertEquals(404, send(request("/no/up.bin").PUT(BodyPublishers.ofString("x"))).statusCode());
  }

  @Test
  void chunkedUploadArrivesWhole() throws Exception {
    String answer =
        raw(
            "PUT /up.bin HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
    assertTrue(answer.startsWith("HTTP/1.1 201 "), answer);
    assertEquals("abcde", Files.readString(root.resolve("up.bin")));
  }

  @Test
  void brokenUploadLeavesNothing() throws Exception {
    String answer =
        raw(
            "PUT /up.bin HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n");
    assertTrue(answer.startsWith("HTTP/1.1 400 "), answer);
    assertEquals(0, filesInRoot());
  }

  private long filesInRoot() throws IOException {
    try (Stream<Path> files = Files.list(root)) {
      return files.count();
    }
  }

  @Test
  void withoutLeaveNothingIsWritten() throws Exception {
    server.close();
    server = FileServer.start(new FileServer.Settings(FREE, root, false));
    HttpResponse<byte[]> refused = send(request("/up.bin").PUT(BodyPublishers.ofString("x")));
    assertEquals(405, refused.statusCode());
    assertEquals("GET, HEAD", header(refused, "allow"));
    assertEquals(0, filesInRoot());
  }

  @Test
  void otherMethodsAreRefusedAndTheConnectionGoesOn() throws Exception {
    HttpResponse<byte[]> refused = send(request("/").DELETE());
    assertEquals(405, refused.statusCode());
    assertEquals("GET, HEAD, PUT", header(refused, "allow"));
    String two =
        raw(
            "POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
                + "GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assertTrue(two.startsWith("HTTP/1.1 405 ") && two.contains("HTTP/1.1 404 "), two);
  }

  @Test
  void requestsOfOneConnectionAreAnsweredInTheirOrder() throws Exception {
    for (int i = 0; i < 20; i++) {
      Files.writeString(root.resolve("f" + i), "<" + i + ">");
    }
    StringBuilder requests = new StringBuilder();
    StringBuilder expected = new StringBuilder();
    for (int i = 0; i < 20; i++) {
      String last = i == 19 ? "Connection: close\r\n" : "";
      requests.append("GET /f").append(i).append(" HTTP/1.1\r\nHost: x\r\n").append(last);
      requests.append("\r\n");
      expected.append("<").append(i).append(">");
    }
    String bodies = raw(requests.toString()).replaceAll("(?s)HTTP/1.1 200.*?\r\n\r\n", "");
    assertEquals(expected.toString(), bodies);
  }

  @Test
  void whatIsNoHttpIs400() throws Exception {
    assertTrue(raw("GET\r\n\r\n").startsWith("HTTP/1.1 400 "));
  }

  @Test
  void rootMustBeADirectory() throws IOException {
    Path file = Files.writeString(directory.resolve("file"), "");
    for (Path wrong : new Path[] {file, directory.resolve("missing")}) {
      String message =
          assertThrows(
                  IllegalArgumentException.class,
                  () -> FileServer.start(new FileServer.Settings(FREE, wrong, false)))
              .getMessage();
      assertTrue(message.startsWith("--root: \"" + wrong + "\" (expected: "), message);
    }
  }

  @Test
  void uploadIsForLoopbackOnly() {
    InetSocketAddress everywhere = new InetSocketAddress("0.0.0.0", 0);
    assertThrows(
        IllegalArgumentException.class, () -> new FileServer.Settings(everywhere, root, true));
  }
}
