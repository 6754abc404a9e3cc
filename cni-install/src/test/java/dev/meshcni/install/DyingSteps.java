// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.install;

import dev.meshcni.files.DiskSteps;
import dev.meshcni.files.testkit.PassedOnSteps;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;

/** Steps during which the process dies; a step that writes has done half of its work by then. */
final class DyingSteps extends PassedOnSteps {
    private final int last;
    private final Runnable death;
    private int count;

    /**
     * Dies.
     *
     * @param last the number of the step at which it dies, counted from 1
     * @param death must not return
     */
    DyingSteps(int last, Runnable death) {
        super(new DiskSteps());
        this.last = last;
        this.death = death;
    }

    /** How many steps there have been. */
    int count() {
        return count;
    }

    @Override
    public void before(String step, Path file) {
        count++;
        if (count == last) {
            death.run();
        }
    }

    @Override
    public void write(Path file, byte[] content) throws IOException {
        if (count + 1 == last) {
            Files.write(file, Arrays.copyOf(content, content.length / 2));
        }
        super.write(file, content);
    }

    @Override
    public void copy(Path from, Path to) throws IOException {
        if (count + 1 == last) {
            byte[] content = Files.readAllBytes(from);
            Files.write(to, Arrays.copyOf(content, content.length / 2));
        }
        super.copy(from, to);
    }

    @Override
    public void deleteTree(Path directory) throws IOException {
        if (count + 1 == last) {
            try (Stream<Path> files = Files.walk(directory)) {
                for (Path file : files.filter(path -> !Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS))
                        .limit(2)
                        .toList()) {
                    Files.delete(file);
                }
            }
        }
        super.deleteTree(directory);
    }

    /** A process that dies does not take the machine's memory with it, so nothing has to reach the disk here. */
    @Override
    public void sync(Path path) {
        before("sync", path);
    }
}
