// SPDX-License-Identifier: Apache-2.0
// Copyright The mesh-cni authors

package dev.meshcni.http;

import static java.util.Objects.requireNonNull;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The pages of a port. Each one that works has a platform thread of its own, so that one that hangs delays only itself,
 * and depends on no thread that other work of the daemon can hold up.
 */
final class HttpPages implements AutoCloseable {
    private final Map<String, HttpPage> pages;
    private final Map<String, ThreadPoolExecutor> threads;
    private final RefusalLog log;

    /**
     * @param name the name of the threads
     * @param waiting how many requests may wait for a page
     */
    HttpPages(String name, List<HttpPage> pages, int waiting, RefusalLog log) {
        this.log = requireNonNull(log, "log is null");
        this.pages = Stream.concat(pages.stream(), Stream.of(index(pages)))
                .collect(Collectors.toUnmodifiableMap(HttpPage::path, Function.identity()));
        this.threads = pages.stream()
                .filter(page -> !page.atOnce())
                .collect(Collectors.toUnmodifiableMap(HttpPage::path, page -> thread(name + page.path(), waiting)));
    }

    /**
     * Sees to it that a request is answered: before this returns, or later in another thread. It may be that it is
     * never answered, if its page never is.
     *
     * @param isWanted whether a peer still waits for the answer
     * @param reply what takes the answer
     */
    void answer(HttpRequest request, BooleanSupplier isWanted, Consumer<HttpAnswer> reply) {
        HttpPage page = pages.get(request.path());
        if (page == null) {
            reply.accept(HttpAnswer.notFound());
        } else if (!request.isGetOrHead()) {
            log.refused(HttpRefusal.METHOD);
            reply.accept(HttpAnswer.methodNotAllowed());
        } else if (page.atOnce()) {
            reply.accept(content(page, request));
        } else {
            inItsThread(page, request, isWanted, reply);
        }
    }

    /** The page that a browser asks for first: links to the others. */
    private static HttpPage index(List<HttpPage> pages) {
        String links = pages.stream()
                .map(page -> "<li><a href=\"" + page.path() + "\">" + page.path() + "</a></li>\n")
                .collect(Collectors.joining());
        byte[] html = ("<!DOCTYPE html>\n<html lang=\"en\">\n<title>mesh-cni</title>\n<h1>mesh-cni</h1>\n<ul>\n" + links
                        + "</ul>\n</html>\n")
                .getBytes(StandardCharsets.UTF_8);
        return HttpPage.atOnce("/", _ -> HttpAnswer.of(200, "text/html; charset=utf-8", html));
    }

    @Override
    public void close() {
        threads.values().forEach(ThreadPoolExecutor::shutdownNow);
    }

    private void inItsThread(HttpPage page, HttpRequest request, BooleanSupplier isWanted, Consumer<HttpAnswer> reply) {
        try {
            threads.get(page.path()).execute(() -> {
                if (isWanted.getAsBoolean()) {
                    reply.accept(content(page, request));
                }
            });
        } catch (RejectedExecutionException e) {
            log.refused(HttpRefusal.BUSY);
            reply.accept(HttpAnswer.text(503, "too many requests for this page"));
        }
    }

    private HttpAnswer content(HttpPage page, HttpRequest request) {
        try {
            return page.content().answer(request);
        } catch (Exception | Error e) {
            log.failed("the page " + page.path(), e);
            return HttpAnswer.text(500, "internal error, see the daemon's log");
        }
    }

    /** A thread that is there from the start: later there may be none to be had. */
    private static ThreadPoolExecutor thread(String name, int waiting) {
        ThreadPoolExecutor thread = new ThreadPoolExecutor(
                1,
                1,
                0,
                TimeUnit.SECONDS,
                new ArrayBlockingQueue<>(waiting),
                Thread.ofPlatform().daemon().name(name).factory());
        thread.prestartCoreThread();
        return thread;
    }
}
