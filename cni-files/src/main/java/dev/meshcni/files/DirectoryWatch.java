// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.files;

import java.io.IOException;
import java.nio.file.ClosedWatchServiceException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchEvent;
import java.nio.file.WatchKey;
import java.nio.file.WatchService;
import java.nio.file.attribute.BasicFileAttributes;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Waits for changes in directories (inotify(7)). Events are not reliable: they get lost, directories are replaced or
 * mounted over, and a node can run out of watches. So this only makes a comparison come sooner than it would anyway.
 */
public final class DirectoryWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DirectoryWatch.class);

    /** A change is seldom one event: a writer that is in the middle of it gets this time to finish. */
    private static final Duration SETTLE = Duration.ofMillis(20);

    private static final WatchEvent.Kind<?>[] EVENTS = {
        StandardWatchEventKinds.ENTRY_CREATE, StandardWatchEventKinds.ENTRY_MODIFY, StandardWatchEventKinds.ENTRY_DELETE
    };

    private final Optional<WatchService> service;
    private final Map<Path, Watched> watched = new HashMap<>();
    private final Set<Path> toldUnwatched = new HashSet<>();
    private final CountDownLatch closed = new CountDownLatch(1);

    /** A directory as it was at a path when last checked. */
    private record Watched(Object identity, WatchKey key) {}

    private DirectoryWatch(Optional<WatchService> service) {
        this.service = service;
    }

    public static DirectoryWatch open() {
        try {
            return new DirectoryWatch(Optional.of(FileSystems.getDefault().newWatchService()));
        } catch (IOException e) {
            LOG.warn("inotify limit reached, changes are only detected by periodic checks: {}", e.getMessage());
            return new DirectoryWatch(Optional.empty());
        }
    }

    /** Says which directories to watch, those that a symbolic link leads to included. */
    public void watch(Collection<Path> directories) {
        watched.keySet().removeIf(path -> {
            boolean gone = !directories.contains(path);
            if (gone) {
                watched.get(path).key().cancel();
            }
            return gone;
        });
        directories.forEach(this::watch);
    }

    /**
     * Waits for a change.
     *
     * @param longest how long to wait for one at most
     * @return whether to go on: false after {@link #close}
     */
    public boolean await(Duration longest) throws InterruptedException {
        if (service.isPresent()) {
            try {
                awaitEvent(service.get(), longest);
            } catch (ClosedWatchServiceException e) {
                return false;
            }
            return closed.getCount() > 0;
        }
        return !closed.await(longest.toMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public void close() {
        closed.countDown();
        try {
            if (service.isPresent()) {
                service.get().close();
            }
        } catch (IOException e) {
            LOG.debug("error closing inotify watches: {}", e.toString());
        }
    }

    private void awaitEvent(WatchService events, Duration longest) throws InterruptedException {
        WatchKey key = events.poll(longest.toMillis(), TimeUnit.MILLISECONDS);
        if (key == null || closed.await(SETTLE.toMillis(), TimeUnit.MILLISECONDS)) {
            return;
        }
        while (key != null) {
            key.pollEvents();
            key.reset();
            key = events.poll();
        }
    }

    private void unwatched(Path path, IOException reason) {
        if (toldUnwatched.add(path)) {
            LOG.warn(
                    "changes in {} are only detected by periodic checks: {}; check the sysctl"
                            + " fs.inotify.max_user_watches",
                    path,
                    reason.getMessage());
        }
    }

    private void watch(Path path) {
        try {
            Path directory = path.toRealPath();
            Object identity =
                    Files.readAttributes(directory, BasicFileAttributes.class).fileKey();
            Watched before = watched.get(path);
            if (before != null
                    && before.identity().equals(identity)
                    && before.key().isValid()) {
                return;
            }
            if (before != null) {
                before.key().cancel();
            }
            if (service.isPresent()) {
                watched.put(path, new Watched(identity, directory.register(service.get(), EVENTS)));
            }
        } catch (NoSuchFileException e) {
            LOG.debug("{} does not exist, not watched", path);
        } catch (IOException e) {
            unwatched(path, e);
        } catch (ClosedWatchServiceException e) {
            LOG.debug("{} is no longer watched", path);
        }
    }
}
