package dev.warren.cli.files;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * The one directory that is served. Every path of a request goes through here, and none leads out:
 * not by {@code ..}, not by an encoded slash, not by a symbolic link.
 */
final class Root {
  private final Path real;

  /** A path that this server does not follow, with the reason in its message. */
  static final class Refused extends Exception {
    private static final long serialVersionUID = 1L;

    Refused(String reason) {
      super(reason, null, false, false);
    }
  }

  /**
   * @throws IllegalArgumentException where it is no directory
   */
  Root(Path directory) {
    try {
      real = directory.toRealPath();
    } catch (IOException e) {
      throw new IllegalArgumentException(
          "--root: \"" + directory + "\" (expected: a directory that can be read)", e);
    }
    if (!Files.isDirectory(real)) {
      throw new IllegalArgumentException("--root: \"" + directory + "\" (expected: a directory)");
    }
  }

  Path path() {
    return real;
  }

  /**
   * The file or directory that a request means, with all links followed.
   *
   * @param uri the target of the request, as it came
   * @throws NoSuchFileException where there is none
   * @throws Refused where the path is malformed or leads out of the root
   */
  Path existing(String uri) throws IOException, Refused {
    Path found = plain(uri).toRealPath();
    if (!found.startsWith(real)) {
      throw new Refused("a link that leads out of the root");
    }
    return found;
  }

  /**
   * Where an upload goes: its directory exists and lies inside, and the name is no link or
   * directory.
   */
  Path forUpload(String uri) throws IOException, Refused {
    Path wanted = plain(uri);
    if (wanted.equals(real)) {
      throw new Refused("the root itself");
    }
    Path directory = wanted.getParent().toRealPath();
    if (!directory.startsWith(real)) {
      throw new Refused("a link that leads out of the root");
    }
    Path file = directory.resolve(wanted.getFileName());
    if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)
        && !Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)) {
      throw new Refused("not a regular file");
    }
    return file;
  }

  private Path plain(String uri) throws Refused {
    int end = uri.length();
    for (char mark : new char[] {'?', '#'}) {
      int at = uri.indexOf(mark);
      end = at < 0 ? end : Math.min(end, at);
    }
    String path = uri.substring(0, end);
    if (!path.startsWith("/")) {
      throw new Refused("a path that does not begin with /");
    }
    Path result = real;
    for (String segment : path.split("/")) {
      String name = decoded(segment);
      if (name.isEmpty() || name.equals(".")) {
        continue;
      }
      if (name.equals("..")) {
        throw new Refused("a path with ..");
      }
      if (name.chars().anyMatch(c -> c == '/' || c == '\\' || c < ' ')) {
        throw new Refused("a slash, a backslash or a control character in a name");
      }
      try {
        result = result.resolve(name);
      } catch (InvalidPathException e) {
        throw new Refused("a name that no file can have");
      }
    }
    return result;
  }

  private static String decoded(String segment) throws Refused {
    byte[] bytes = new byte[segment.length()];
    int length = 0;
    for (int i = 0; i < segment.length(); i++) {
      char c = segment.charAt(i);
      if (c == '%') {
        int high = i + 2 < segment.length() ? Character.digit(segment.charAt(i + 1), 16) : -1;
        int low = i + 2 < segment.length() ? Character.digit(segment.charAt(i + 2), 16) : -1;
        if (high < 0 || low < 0) {
          throw new Refused("a broken percent escape");
        }
        bytes[length++] = (byte) (high * 16 + low);
        i += 2;
      } else if (c > ' ' && c < 0x7f) {
        bytes[length++] = (byte) c;
      } else {
        throw new Refused("a character that must be escaped");
      }
    }
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .decode(ByteBuffer.wrap(bytes, 0, length))
          .toString();
    } catch (CharacterCodingException e) {
      throw new Refused("a name that is no UTF-8");
    }
  }
}
