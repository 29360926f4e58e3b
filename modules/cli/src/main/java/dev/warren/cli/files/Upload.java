package dev.warren.cli.files;

import io.netty.buffer.ByteBuf;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A file on its way in. It stands beside its final place until all of it is there. */
final class Upload {
  private static final Logger log = LoggerFactory.getLogger(Upload.class);

  private final Path target;
  private final Path partial;
  private final FileChannel channel;

  private Upload(Path target, Path partial, FileChannel channel) {
    this.target = target;
    this.partial = partial;
    this.channel = channel;
  }

  static Upload to(Path target) throws IOException {
    Path partial = Files.createTempFile(target.getParent(), ".upload-", ".part");
    return new Upload(target, partial, FileChannel.open(partial, StandardOpenOption.WRITE));
  }

  void write(ByteBuf bytes) throws IOException {
    while (bytes.isReadable()) {
      bytes.readBytes(channel, bytes.readableBytes());
    }
  }

  /**
   * @return whether there was such a file before
   */
  boolean finish() throws IOException {
    channel.close();
    boolean replaced = Files.exists(target);
    Files.move(partial, target, StandardCopyOption.REPLACE_EXISTING);
    return replaced;
  }

  void giveUp() {
    try {
      channel.close();
      Files.deleteIfExists(partial);
    } catch (IOException e) {
      log.atWarn().addKeyValue("file", partial).setCause(e).log("files.partial-left-behind");
    }
  }
}
