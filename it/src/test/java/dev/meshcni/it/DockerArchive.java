// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.it;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/**
 * A container image with nothing but busybox, in the layout of {@code docker save}: made here, so that no test needs an
 * image registry.
 */
public final class DockerArchive {
    private static final Path BUSYBOX = Path.of("/bin/busybox");
    private static final ObjectMapper JSON = new ObjectMapper();

    private DockerArchive() {}

    /**
     * Packs an image.
     *
     * @param directory an empty directory to work in; the archive stays there
     * @param name with a tag, such as {@code localhost/app:1}
     * @param entrypoint what a container runs by default
     * @return the archive
     */
    public static Path busybox(Path directory, String name, List<String> entrypoint) {
        try {
            Path layer = layer(directory);
            Path image = Files.createDirectory(directory.resolve("image"));
            Files.move(layer, image.resolve("layer.tar"));
            String layerDigest = "sha256:" + sha256(image.resolve("layer.tar"));
            byte[] config = JSON.writeValueAsBytes(Map.of(
                    "architecture", System.getProperty("os.arch"),
                    "os", "linux",
                    "config", Map.of("Entrypoint", entrypoint, "Env", List.of("PATH=/bin")),
                    "rootfs", Map.of("type", "layers", "diff_ids", List.of(layerDigest))));
            Files.write(image.resolve("config.json"), config);
            byte[] manifest = JSON.writeValueAsBytes(List.of(
                    Map.of("Config", "config.json", "RepoTags", List.of(name), "Layers", List.of("layer.tar"))));
            Files.write(image.resolve("manifest.json"), manifest);
            return tar(image, directory.resolve("archive.tar"));
        } catch (IOException e) {
            throw new UncheckedIOException("cannot pack " + name, e);
        }
    }

    private static Path layer(Path directory) throws IOException {
        Path bin = Files.createDirectories(directory.resolve("rootfs/bin"));
        Files.copy(BUSYBOX, bin.resolve("busybox"));
        for (String applet : List.of("sh", "sleep", "cat", "id", "ip", "nc", "echo", "grep")) {
            Files.createSymbolicLink(bin.resolve(applet), Path.of("busybox"));
        }
        return tar(directory.resolve("rootfs"), directory.resolve("layer.tar"));
    }

    private static Path tar(Path content, Path archive) {
        Command.of(
                        "tar",
                        "--owner=0",
                        "--group=0",
                        "--mtime=@0",
                        "-C",
                        content.toString(),
                        "-cf",
                        archive.toString(),
                        ".")
                .run();
        return archive;
    }

    private static String sha256(Path file) throws IOException {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("SHA-256 is not available", e);
        }
    }
}
