//! WASI and its hooks: every open, connect, name look-up and HTTP request asks C
//! first. The hooks are those of the instance that runs on this thread.

use crate::drive::{current_files, current_hooks, current_signals};
use crate::report::Text;
use crate::{CError, c_error, guard, linker};
use std::ffi::c_void;
use std::future::Future;
use std::net::SocketAddr;
use wasmtime::component::{Linker, LinkerInstance, Resource, ResourceAny};
use wasmtime::{Result, StoreContextMut};
use wasmtime_c_api::*;
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::filesystem::types as fs;
use wasmtime_wasi::p2::bindings::sockets::ip_name_lookup::{Host as _, ResolveAddressStream};
use wasmtime_wasi::p2::bindings::sockets::network::{ErrorCode as NetError, IpAddressFamily, Network};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, ReaddirIterator, TcpSocket, UdpSocket};
use wasmtime_wasi::sockets::{SocketAddrUse, WasiSocketsView};
use wasmtime_wasi::{WasiCtxBuilder, WasiView};
use wasmtime_wasi_http::p2::bindings::http as p2http;
use wasmtime_wasi_http::{
    Error as HttpError, RequestOptions, WasiBody, WasiHttp, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

/// `lpx_hooks` in `ext.h`, which says what each one means. Called on the
/// instance's thread, but for `net` and `http_to`, which may wait for DNS.
#[repr(C)]
pub struct Hooks {
    data: *mut c_void,
    http: extern "C" fn(*mut c_void, https: bool, host: Text, port: u16) -> bool,
    resolve: extern "C" fn(*mut c_void, name: Text) -> bool,
    open_failed: extern "C" fn(*mut c_void, path: Text, code: Text, write: bool),
    net_data: *mut c_void,
    net_ref: extern "C" fn(*mut c_void),
    net_unref: extern "C" fn(*mut c_void),
    net: extern "C" fn(*mut c_void, address: Text, port: u16, used_for: u32) -> bool,
    http_to: extern "C" fn(*mut c_void, host: Text, address: Text, port: u16) -> bool,
}

/// One reference to what `net` and `http_to` decide with; any thread may hold it.
pub struct NetPolicy {
    data: *mut c_void,
    unref: extern "C" fn(*mut c_void),
    ask: extern "C" fn(*mut c_void, Text, u16, u32) -> bool,
    ask_http: extern "C" fn(*mut c_void, Text, Text, u16) -> bool,
}
// SAFETY: `ext.h` asks for a `net` and an `http_to` that any thread may call and atomic references.
unsafe impl Send for NetPolicy {}
unsafe impl Sync for NetPolicy {}

impl NetPolicy {
    fn of(hooks: &Hooks) -> NetPolicy {
        (hooks.net_ref)(hooks.net_data);
        NetPolicy { data: hooks.net_data, unref: hooks.net_unref, ask: hooks.net, ask_http: hooks.http_to }
    }
    pub fn allows_http(&self, host: &str, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical().to_string();
        (self.ask_http)(self.data, Text::of(host), Text::of(&ip), address.port())
    }
    fn allows(&self, address: SocketAddr, used_for: SocketAddrUse) -> bool {
        let ip = address.ip().to_canonical().to_string();
        (self.ask)(self.data, Text::of(&ip), address.port(), used_for as u32)
    }
}

impl Drop for NetPolicy {
    fn drop(&mut self) {
        (self.unref)(self.data);
    }
}

/// Puts the hooks into the configuration of one instance.
#[unsafe(no_mangle)]
pub extern "C" fn lpx_wasi_hooks(config: &mut wasi_config_t, hooks: &'static Hooks) {
    // SAFETY: repr(C) with one field, size asserted in lib.rs.
    let builder = unsafe { &mut *(config as *mut _ as *mut WasiCtxBuilder) };
    let policy = std::sync::Arc::new(NetPolicy::of(hooks));
    // Sockets may be made; each address is asked for below, each name in `resolve_addresses`.
    builder.allow_tcp(true).allow_udp(true).allow_ip_name_lookup(true);
    builder.socket_addr_check(move |address, used_for| {
        let policy = policy.clone();
        Box::pin(async move {
            // DNS may be asked: not on the instance's thread, so that a stop still ends the guest.
            tokio::task::spawn_blocking(move || policy.allows(address, used_for)).await.unwrap_or(false)
        })
    });
}

/// Adds WASI 0.2 to a linker.
#[unsafe(no_mangle)]
pub extern "C" fn lpx_linker_add_wasi(l: &mut wasmtime_component_linker_t) -> CError {
    c_error(guard(|| {
        let l = linker(l);
        let mut options = wasmtime_wasi::p2::bindings::LinkOptions::default();
        options.network_error_code(true);
        wasmtime_wasi::p2::add_to_linker_with_options_async(l, &options)?;
        l.allow_shadowing(true);
        watch_open(l)?;
        count_open(l)?;
        check_names(l)?;
        quiet_exit(l)?;
        l.allow_shadowing(false);
        Ok(())
    }))
}

type OpenArgs = (Resource<Descriptor>, fs::PathFlags, String, fs::OpenFlags, fs::DescriptorFlags);

/// Tells C of each refused open: Wasmtime confines paths, a person needs to hear why.
fn watch_open(l: &mut Linker<WasmtimeStoreData>) -> Result<()> {
    l.instance("wasi:filesystem/types@0.2.12")?.func_wrap_async(
        "[method]descriptor.open-at",
        |mut cx: StoreContextMut<'_, WasmtimeStoreData>, (fd, at, path, how, flags): OpenArgs| {
            Box::new(async move {
                use fs::HostDescriptor;
                let write = flags.intersects(fs::DescriptorFlags::WRITE | fs::DescriptorFlags::MUTATE_DIRECTORY)
                    || how.intersects(fs::OpenFlags::CREATE | fs::OpenFlags::TRUNCATE);
                if !may_open(&mut cx) {
                    if let Some(hooks) = current_hooks() {
                        (hooks.open_failed)(hooks.data, Text::of(&path), Text::of("files"), write);
                    }
                    return Ok((Err(fs::ErrorCode::Quota),));
                }
                let opened = cx.data_mut().filesystem().open_at(fd, at, path.clone(), how, flags).await;
                if let Ok(fd) = &opened {
                    note_opened(&mut cx, fd)?;
                }
                let result = opened.map_err(|e| e.downcast());
                let refused = match &result {
                    Err(Ok(fs::ErrorCode::NotPermitted)) => Some("not-permitted"),
                    Err(Ok(fs::ErrorCode::ReadOnly)) => Some("read-only"),
                    Err(Ok(fs::ErrorCode::Access)) => Some("access"),
                    _ => None,
                };
                if let (Some(code), Some(hooks)) = (refused, current_hooks()) {
                    (hooks.open_failed)(hooks.data, Text::of(&path), Text::of(code), write);
                }
                match result {
                    Ok(fd) => Ok((Ok(fd),)),
                    Err(Ok(code)) => Ok((Err(code),)),
                    Err(Err(trap)) => Err(trap),
                }
            })
        },
    )
}

/// Whether the guest may open one more of what the system counts: files, sockets, and lists of a
/// directory's entries, which Wasmtime keeps in memory.
fn may_open(cx: &mut StoreContextMut<'_, WasmtimeStoreData>) -> bool {
    let table = cx.data_mut().ctx().table;
    let others = || table.iter_mut().filter(|r| r.is::<TcpSocket>() || r.is::<UdpSocket>() || r.is::<ReaddirIterator>()).count();
    current_files().is_some_and(|files| files.borrow_mut().may_open(others))
}

fn note_opened(cx: &mut StoreContextMut<'_, WasmtimeStoreData>, fd: &Resource<Descriptor>) -> Result<()> {
    let file = match cx.data_mut().ctx().table.get(fd)? {
        Descriptor::File(f) => &f.file,
        Descriptor::Dir(d) => &d.dir,
    };
    if let Some(files) = current_files() {
        files.borrow_mut().opened(file);
    }
    Ok(())
}

/// Counts what else keeps something open.
fn count_open(l: &mut Linker<WasmtimeStoreData>) -> Result<()> {
    type Entries = (std::result::Result<Resource<ReaddirIterator>, fs::ErrorCode>,);
    type Tcp = (std::result::Result<Resource<TcpSocket>, NetError>,);
    type Streams = (Resource<TcpSocket>, Resource<DynInputStream>, Resource<DynOutputStream>);
    type Accepted = (std::result::Result<Streams, NetError>,);
    type Udp = (std::result::Result<Resource<UdpSocket>, NetError>,);
    l.instance("wasi:filesystem/types@0.2.12")?.func_wrap_async(
        "[method]descriptor.read-directory",
        |mut cx: StoreContextMut<'_, WasmtimeStoreData>, (fd,): (Resource<Descriptor>,)| {
            Box::new(async move {
                use fs::HostDescriptor;
                if !may_open(&mut cx) {
                    return Ok::<Entries, _>((Err(fs::ErrorCode::Quota),));
                }
                match cx.data_mut().filesystem().read_directory(fd).await {
                    Ok(entries) => Ok((Ok(entries),)),
                    Err(e) => Ok((Err(e.downcast()?),)),
                }
            })
        },
    )?;
    l.instance("wasi:sockets/tcp-create-socket@0.2.12")?.func_wrap(
        "create-tcp-socket",
        |mut cx: StoreContextMut<'_, WasmtimeStoreData>, (family,): (IpAddressFamily,)| {
            use wasmtime_wasi::p2::bindings::sockets::tcp_create_socket::Host;
            if !may_open(&mut cx) {
                return Ok::<Tcp, _>((Err(NetError::NewSocketLimit),));
            }
            match cx.data_mut().sockets().create_tcp_socket(family) {
                Ok(socket) => Ok((Ok(socket),)),
                Err(e) => Ok((Err(e.downcast()?),)),
            }
        },
    )?;
    l.instance("wasi:sockets/tcp@0.2.12")?.func_wrap(
        "[method]tcp-socket.accept",
        |mut cx: StoreContextMut<'_, WasmtimeStoreData>, (listener,): (Resource<TcpSocket>,)| {
            use wasmtime_wasi::p2::bindings::sockets::tcp::HostTcpSocket;
            if !may_open(&mut cx) {
                return Ok::<Accepted, _>((Err(NetError::NewSocketLimit),));
            }
            match cx.data_mut().sockets().accept(listener) {
                Ok(streams) => Ok((Ok(streams),)),
                Err(e) => Ok((Err(e.downcast()?),)),
            }
        },
    )?;
    l.instance("wasi:sockets/udp-create-socket@0.2.12")?.func_wrap_async(
        "create-udp-socket",
        |mut cx: StoreContextMut<'_, WasmtimeStoreData>, (family,): (IpAddressFamily,)| {
            Box::new(async move {
                use wasmtime_wasi::p2::bindings::sockets::udp_create_socket::Host;
                if !may_open(&mut cx) {
                    return Ok::<Udp, _>((Err(NetError::NewSocketLimit),));
                }
                match cx.data_mut().sockets().create_udp_socket(family).await {
                    Ok(socket) => Ok((Ok(socket),)),
                    Err(e) => Ok((Err(e.downcast()?),)),
                }
            })
        },
    )
}

/// An exit is an error to Wasmtime, which would read the component's debug information for a
/// backtrace that nobody looks at. One that brings a backtrace along, an empty one, is left alone.
fn quiet_exit(l: &mut Linker<WasmtimeStoreData>) -> Result<()> {
    fn leave(status: i32) -> wasmtime::Error {
        let error = wasmtime::Error::from(wasmtime_wasi::I32Exit(status));
        match crate::drive::empty_backtrace() {
            Some(none) => error.context(none),
            None => error,
        }
    }
    let mut exit = l.instance("wasi:cli/exit@0.2.12")?;
    exit.func_wrap("exit", |_, (status,): (std::result::Result<(), ()>,)| -> Result<()> {
        Err(leave(i32::from(status.is_err())))
    })?;
    exit.func_wrap("exit-with-code", |_, (status,): (u8,)| -> Result<()> { Err(leave(status.into())) })
}

/// Asks C before a name is looked up.
fn check_names(l: &mut Linker<WasmtimeStoreData>) -> Result<()> {
    type Answer = (std::result::Result<Resource<ResolveAddressStream>, NetError>,);
    l.instance("wasi:sockets/ip-name-lookup@0.2.12")?.func_wrap(
        "resolve-addresses",
        |mut cx: StoreContextMut<'_, WasmtimeStoreData>, (network, name): (Resource<Network>, String)| {
            let allowed = current_hooks().is_some_and(|h| (h.resolve)(h.data, Text::of(&name)));
            if !allowed {
                return Ok::<Answer, _>((Err(NetError::AccessDenied),));
            }
            match cx.data_mut().sockets().resolve_addresses(network, name) {
                Ok(stream) => Ok((Ok(stream),)),
                Err(e) => Ok((Err(e.downcast()?),)),
            }
        },
    )
}

/// Zero-sized: the hooks in force are the running thread's.
struct Ask;

type SendResult = std::result::Result<
    (http::Response<WasiBody>, Box<dyn Future<Output = std::result::Result<(), HttpError>> + Send>),
    HttpError,
>;

impl WasiHttpHooks for Ask {
    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        sent: Box<dyn Future<Output = std::result::Result<(), HttpError>> + Send>,
    ) -> Box<dyn Future<Output = SendResult> + Send> {
        let uri = request.uri();
        let https = uri.scheme() != Some(&http::uri::Scheme::HTTP);
        let host = uri.host().unwrap_or("");
        let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
        let _ = sent; // tells the guest of 0.3 that it was sent; nobody asks in 0.2
        let Some(hooks) = current_hooks().filter(|h| (h.http)(h.data, https, Text::of(host), port)) else {
            return Box::new(async { Err(HttpError::HttpRequestDenied) });
        };
        let policy = std::sync::Arc::new(NetPolicy::of(hooks));
        Box::new(crate::http::send(request, options, policy))
    }
}

fn http_view(data: &mut WasmtimeStoreData) -> WasiHttpCtxView<'_> {
    let mut view = data.http();
    view.hooks = Box::leak(Box::new(Ask)); // zero-sized: nothing is allocated
    view
}

/// Adds wasi:http 0.2 (outgoing) to a linker.
#[unsafe(no_mangle)]
pub extern "C" fn lpx_linker_add_http(l: &mut wasmtime_component_linker_t) -> CError {
    c_error(guard(|| {
        let options = wasmtime_wasi_http::p2::bindings::LinkOptions::default();
        let l = linker(l);
        p2http::outgoing_handler::add_to_linker::<_, WasiHttp>(l, http_view)?;
        p2http::types::add_to_linker::<_, WasiHttp>(l, &(&options).into(), http_view)
    }))
}

struct Asked;

#[wasmtime_wasi::async_trait]
impl wasmtime_wasi::p2::Pollable for Asked {
    async fn ready(&mut self) {
        match current_signals() {
            Some(signals) => signals.asked().await,
            None => std::future::pending().await,
        }
    }
}

/// # Safety
/// What `ext.h` asks for: an open linker instance, `len` readable bytes at `name`.
pub unsafe fn instance_and_name<'a, 'b>(
    l: *mut wasmtime_component_linker_instance_t<'b>,
    name: *const u8,
    len: usize,
) -> Result<(&'a mut LinkerInstance<'b, WasmtimeStoreData>, &'a str)> {
    // SAFETY: transparent over its only field, size asserted in lib.rs.
    let l = unsafe { &mut *(l as *mut LinkerInstance<'b, WasmtimeStoreData>) };
    // SAFETY: the caller's promise.
    Ok((l, std::str::from_utf8(unsafe { crate::bytes(name, len) })?))
}

/// Adds `[method]token.subscribe`, a pollable that is ready once cancellation was asked for.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn lpx_linker_add_subscribe(
    l: *mut wasmtime_component_linker_instance_t<'_>,
    name: *const u8,
    len: usize,
) -> CError {
    c_error(guard(|| {
        // SAFETY: `ext.h` asks for what this needs.
        let (l, name) = unsafe { instance_and_name(l, name, len)? };
        l.func_wrap(name, |mut cx: StoreContextMut<'_, WasmtimeStoreData>, (token,): (ResourceAny,)| {
            // Turned into the host's form, a borrow has nothing left to give back.
            token.try_into_resource_dynamic(&mut cx)?;
            let table = cx.data_mut().ctx().table;
            let asked = table.push(Asked)?;
            Ok((wasmtime_wasi::p2::subscribe(table, asked)?,))
        })
    }))
}
